import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { PolicyName, SimulationResult } from './simulate';

echarts.use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH_PX = 1100;
const HEIGHT_PX = 640;
/** Okabe and Ito's colours, which people with any colour vision can tell apart. */
const COLOURS: Record<PolicyName, string> = {
  swarm: '#0072B2',
  'threshold-rule': '#009E73',
  hpa: '#E69F00',
  'hpa-rebalance': '#D55E00',
  'static-peak': '#CC79A7',
  clairvoyant: '#000000',
};

const grid = (top: number, height: number) => ({ left: 70, right: 30, top, height });

/** Draws encoders and overloaded encoders over time, one line per policy, as a standing SVG file. */
export const plotSvg = (result: SimulationResult): string => {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH_PX, height: HEIGHT_PX });
  const line = (panel: number, name: string, colour: string, data: [number, number][], dashed = false) => ({
    type: 'line' as const,
    name,
    xAxisIndex: panel,
    yAxisIndex: panel,
    step: 'end' as const,
    showSymbol: false,
    animation: false,
    color: colour,
    // Where lines lie on each other, the swarm's is the one to see.
    z: name === 'swarm' ? 3 : 2,
    lineStyle: { width: dashed ? 1 : 1.5, type: dashed ? ('dashed' as const) : ('solid' as const) },
    data,
  });
  const axisTime = (panel: number, labels: boolean) => ({
    type: 'time' as const,
    gridIndex: panel,
    axisLabel: { show: labels },
  });
  chart.setOption({
    useUTC: true,
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      {
        text: `${result.channels} channels, ${Number(result.hours.toFixed(2))} h, seed ${result.seed}; UTC`,
        left: 'center',
        top: 8,
        textStyle: { fontSize: 15 },
      },
    ],
    legend: {
      top: 44,
      itemGap: 24,
      icon: 'roundRect',
      itemHeight: 4,
      data: result.runs.map((run) => run.policy),
    },
    grid: [grid(100, 300), grid(450, 140)],
    xAxis: [axisTime(0, false), axisTime(1, true)],
    yAxis: [
      {
        type: 'value',
        gridIndex: 0,
        name: 'encoders paid for',
        nameLocation: 'middle',
        nameGap: 45,
        minInterval: 1,
      },
      {
        type: 'value',
        gridIndex: 1,
        name: 'over their limit',
        nameLocation: 'middle',
        nameGap: 45,
        minInterval: 1,
      },
    ],
    series: result.runs.flatMap(({ policy, timeline }) => {
      const dashed = policy === 'clairvoyant';
      return [
        line(
          0,
          policy,
          COLOURS[policy],
          timeline.map((r): [number, number] => [r.atMs, r.encoders]),
          dashed,
        ),
        line(
          1,
          policy,
          COLOURS[policy],
          timeline.map((r): [number, number] => [r.atMs, r.overloaded]),
          dashed,
        ),
      ];
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
};
