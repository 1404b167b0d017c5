/** The libraries of the page, as the API serves them under /vendor. */
declare module '*/vendor/uplot/uPlot.esm.js' {
  import uPlot from 'uplot';
  export default uPlot;
}
declare module '*/vendor/hls/hls.light.min.mjs' {
  import Hls from 'hls.js';
  export default Hls;
}
