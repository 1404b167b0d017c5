import { CustomChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { FaultGroup } from './faults';
import { ownerships, pauses, type Timeline } from './timeline';

echarts.use([CustomChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const LANE_PX = 24;
const DELAY_PX = 110;
const LEFT_PX = 150;
const RIGHT_PX = 30;
const PX_PER_MINUTE = 110;
const WIDTH_PX = { least: 1_400, most: 3_600 };
const MIN_BAR_PX = 3;

/** Okabe and Ito's colours for faults; encoders get lighter ones, as they fill whole lanes. */
const FAULT_COLOURS: Record<FaultGroup, string> = {
  kill: '#D55E00',
  stop: '#E69F00',
  network: '#0072B2',
  disk: '#000000',
  clock: '#CC79A7',
  damage: '#009E73',
  second: '#999999',
  input: '#F0E442',
};
const FAULT_NAMES: Record<FaultGroup, string> = {
  kill: 'SIGKILL',
  stop: 'SIGSTOP to SIGCONT',
  network: 'network',
  disk: 'disk full',
  clock: 'clock set',
  damage: 'file damaged',
  second: 'second process',
  input: 'input away or silent',
};
const ENCODER_COLOURS = [
  '#a6cee3',
  '#b2df8a',
  '#fdbf6f',
  '#cab2d6',
  '#fb9a99',
  '#ffff99',
  '#d9d9d9',
  '#80cdc1',
];

type Datum = [lane: number, fromMs: number, toMs: number];
interface Bar {
  value: Datum;
  itemStyle: { color: string };
}

/** Reads by what `renderItem` is called with; echarts types it for every kind of series at once. */
interface RenderApi {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
  size(of: [number, number]): [number, number];
  visual(name: 'color'): string;
}

const bars = (name: string, colour: string, data: Bar[], height: number) => ({
  type: 'custom' as const,
  name,
  color: colour,
  xAxisIndex: 1,
  yAxisIndex: 1,
  animation: false,
  encode: { x: [1, 2], y: 0 },
  data,
  renderItem: (_params: unknown, renderApi: unknown) => {
    const api = renderApi as RenderApi;
    const [x0, y] = api.coord([api.value(1), api.value(0)]);
    const [x1] = api.coord([api.value(2), api.value(0)]);
    const heightPx = api.size([0, 1])[1] * height;
    return {
      type: 'rect' as const,
      shape: { x: x0, y: y - heightPx / 2, width: Math.max(MIN_BAR_PX, x1 - x0), height: heightPx },
      style: { fill: api.visual('color') },
    };
  },
});

const byNumber = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

/** Draws faults against what the swarm did, lane by lane, as a standing SVG file. */
export const timelineSvg = (timeline: Timeline): string => {
  const { beganAtMs, endedAtMs, faults, ledgers, gaps, moves } = timeline;
  const since = (atMs: number): number => Math.min(Math.max(0, atMs - beganAtMs), endedAtMs - beganAtMs);
  const done = faults.filter((fault) => fault.skipped === null);
  const spans = ownerships(timeline);
  const encoders = [
    ...new Set(
      [...spans.map((s) => s.encoderId), ...done.map((f) => f.part)].filter((id) => id.startsWith('enc-')),
    ),
  ].sort(byNumber);
  const colourOf = (encoderId: string): string =>
    ENCODER_COLOURS[encoders.indexOf(encoderId) % ENCODER_COLOURS.length] ?? '#d9d9d9';
  const parts = [
    ...new Set(done.map((fault) => fault.part).filter((part) => !encoders.includes(part))),
  ].sort();
  const channels = [...ledgers.keys()].sort(byNumber);
  const lanes = [...channels, ...encoders, ...parts];
  const minutes = (endedAtMs - beganAtMs) / 60_000;
  const width = Math.round(Math.min(WIDTH_PX.most, Math.max(WIDTH_PX.least, minutes * PX_PER_MINUTE)));
  const lanesTop = 120 + DELAY_PX;
  const height = lanesTop + lanes.length * LANE_PX + 60;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const laneOf = (name: string): number => lanes.indexOf(name);
  const bar = (lane: string, fromMs: number, toMs: number, color: string): Bar => ({
    value: [laneOf(lane), since(fromMs), since(toMs)],
    itemStyle: { color },
  });

  const owned = encoders.map((encoderId) =>
    bars(
      encoderId,
      colourOf(encoderId),
      [
        ...spans
          .filter((s) => s.encoderId === encoderId)
          .map((s) => bar(s.channelId, s.fromMs, s.toMs, colourOf(encoderId))),
        // The lane of the encoder itself shows its colour at the margin.
        bar(encoderId, beganAtMs, beganAtMs + (endedAtMs - beganAtMs) / 200, colourOf(encoderId)),
      ],
      0.7,
    ),
  );
  const silent = bars(
    'published nothing',
    '#ffffff',
    pauses(timeline).map((p) => bar(p.channelId, p.fromMs, p.toMs - timeline.gopMs, '#ffffff')),
    0.45,
  );
  const declared = bars(
    'gap',
    '#ff0000',
    gaps.map((gap) => bar(gap.channelId, gap.seenAtMs - timeline.gopMs, gap.seenAtMs, '#ff0000')),
    0.9,
  );
  const injected = (Object.keys(FAULT_COLOURS) as FaultGroup[]).map((group) =>
    bars(
      FAULT_NAMES[group],
      FAULT_COLOURS[group],
      done
        .filter((fault) => fault.group === group)
        .map((fault) => bar(fault.part, fault.beganAtMs, fault.endedAtMs ?? endedAtMs, FAULT_COLOURS[group])),
      0.6,
    ),
  );
  const marks = (name: string, symbol: string, color: string, data: [number, number][]) => ({
    type: 'scatter' as const,
    name,
    symbol,
    symbolSize: 8,
    color,
    xAxisIndex: 1,
    yAxisIndex: 1,
    animation: false,
    data,
  });
  const ended = (kind: string, outcomes: readonly string[]): [number, number][] =>
    moves
      .filter((m) => m.kind === kind && outcomes.includes(m.outcome) && m.channelId !== null)
      .filter((m) => laneOf(m.channelId!) >= 0 && (m.finishedAtMs ?? 0) >= beganAtMs)
      .map((m) => [since(m.finishedAtMs ?? m.requestedAtMs), laneOf(m.channelId!)]);
  const delays = channels.flatMap((id) =>
    (ledgers.get(id) ?? [])
      .filter((entry) => entry.gapReason === undefined && entry.seenAtMs >= beganAtMs)
      .map((entry): [number, number] => [since(entry.seenAtMs), Math.max(0.05, (entry.delayMs ?? 0) / 1000)]),
  );
  const minuteAxis = (gridIndex: number, show: boolean) => ({
    type: 'value' as const,
    gridIndex,
    min: 0,
    max: endedAtMs - beganAtMs,
    interval: minutes > 10 ? 60_000 : 15_000,
    axisLabel: {
      show,
      formatter: (ms: number) =>
        `${Math.floor(ms / 60_000)}:${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')}`,
    },
    splitLine: { show: true, lineStyle: { color: '#eeeeee' } },
  });

  chart.setOption({
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [{ text: timeline.title, left: 'center', top: 10, textStyle: { fontSize: 16 } }],
    legend: {
      top: 42,
      left: 'center',
      itemGap: 16,
      itemWidth: 16,
      itemHeight: 10,
      data: [
        ...Object.values(FAULT_NAMES),
        'handoff',
        'recovery',
        'undone or refused',
        'published nothing',
        'gap',
        ...encoders,
      ].map((name) => ({
        name,
        ...(name === 'published nothing' && { itemStyle: { borderColor: '#888888', borderWidth: 1 } }),
      })),
    },
    grid: [
      { left: LEFT_PX, right: RIGHT_PX, top: 92, height: DELAY_PX },
      { left: LEFT_PX, right: RIGHT_PX, top: lanesTop, height: lanes.length * LANE_PX },
    ],
    xAxis: [minuteAxis(0, false), minuteAxis(1, true)],
    yAxis: [
      {
        type: 'log',
        gridIndex: 0,
        name: 'sealed to\npublished, s',
        nameLocation: 'middle',
        nameGap: 50,
        splitLine: { lineStyle: { color: '#eeeeee' } },
      },
      {
        type: 'category',
        gridIndex: 1,
        data: lanes,
        inverse: true,
        axisTick: { show: false },
        splitArea: { show: true, areaStyle: { color: ['#ffffff', '#f7f7f7'] } },
      },
    ],
    series: [
      {
        type: 'scatter',
        symbolSize: 3,
        color: '#666666',
        xAxisIndex: 0,
        yAxisIndex: 0,
        animation: false,
        data: delays,
      },
      ...owned,
      silent,
      declared,
      ...injected,
      marks('handoff', 'circle', '#1b7837', ended('handoff', ['completed'])),
      marks('recovery', 'triangle', '#762a83', ended('recovery', ['recovered'])),
      marks('undone or refused', 'diamond', '#888888', [
        ...ended('handoff', ['compensated', 'refused', 'failed', 'unresolved']),
        ...ended('recovery', ['refused', 'failed', 'unresolved']),
      ]),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
};
