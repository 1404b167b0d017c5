import { FieldType, type ISchemaOptions } from 'influx';

const { FLOAT, INTEGER, STRING, BOOLEAN } = FieldType;

/** Tags and field types of every measurement, as docs/reference/measurements.md gives them. Others may write them too. */
export const measurementSchemas: readonly ISchemaOptions[] = [
  {
    measurement: 'encoder',
    tags: ['cell', 'encoder', 'region', 'zone'],
    fields: {
      cpu_cores: FLOAT,
      memory_mib: FLOAT,
      network_kbps: FLOAT,
      units_used: FLOAT,
      capacity_units: FLOAT,
      sessions: INTEGER,
      reachable: BOOLEAN,
    },
  },
  {
    measurement: 'session',
    tags: ['cell', 'encoder', 'channel'],
    fields: { real_time_ratio: FLOAT, late_gops: INTEGER, units: FLOAT, last_published_gop: INTEGER },
  },
  {
    measurement: 'channel',
    tags: ['cell', 'channel', 'encoder', 'region'],
    fields: { units: FLOAT, rungs: INTEGER, publish_delay_ms: FLOAT, next_gop: INTEGER },
  },
  { measurement: 'audience', tags: ['cell', 'channel', 'region'], fields: { viewers: FLOAT } },
  {
    measurement: 'rendition_audience',
    tags: ['cell', 'channel', 'region', 'rendition'],
    fields: { viewers: FLOAT },
  },
  { measurement: 'cdn', tags: ['cell', 'region', 'source'], fields: { load_fraction: FLOAT } },
  { measurement: 'trend', tags: ['cell', 'channel'], fields: { score: FLOAT } },
  {
    measurement: 'event',
    tags: ['cell', 'id'],
    fields: { title: STRING, channels: STRING, event_region: STRING, ends_at_ms: FLOAT, level: FLOAT },
  },
  {
    measurement: 'encoding',
    tags: ['cell', 'encoder', 'channel'],
    fields: {
      units: FLOAT,
      renditions: INTEGER,
      cpu_cores: FLOAT,
      bits_per_pixel: FLOAT,
      bitrate_kbps: FLOAT,
      gop: INTEGER,
    },
  },
  {
    measurement: 'forecast',
    tags: ['cell', 'kind', 'id', 'model'],
    fields: {
      p10: FLOAT,
      p50: FLOAT,
      p90: FLOAT,
      issued_at_ms: FLOAT,
      step_seconds: FLOAT,
      forecast_id: STRING,
      error_correlation: FLOAT,
    },
  },
  {
    measurement: 'forecast_issued',
    tags: ['cell', 'kind', 'id', 'lead'],
    fields: { p10: FLOAT, p50: FLOAT, p90: FLOAT },
  },
  {
    measurement: 'forecast_accuracy',
    tags: ['cell', 'kind', 'id', 'lead'],
    fields: {
      realised: FLOAT,
      pinball: FLOAT,
      covered: FLOAT,
      over90: FLOAT,
      bias: FLOAT,
      absolute_error: FLOAT,
      naive_error: FLOAT,
      standardised: FLOAT,
      width_low: FLOAT,
      width_high: FLOAT,
      shift: FLOAT,
      too_low: FLOAT,
      too_high: FLOAT,
      alarm_steps: FLOAT,
    },
  },
  {
    measurement: 'move',
    tags: ['cell', 'channel', 'reason', 'outcome'],
    fields: { request_to_commit_ms: FLOAT, overlap_gops: FLOAT, workflow_id: STRING },
  },
  {
    measurement: 'storage',
    tags: ['cell', 'part'],
    fields: { full: BOOLEAN, failing: BOOLEAN, affected: INTEGER },
  },
  {
    measurement: 'planning_record',
    tags: ['cell', 'kind', 'chunk'],
    fields: { record_id: STRING, chunks: INTEGER, data: STRING },
  },
  { measurement: 'trouble', tags: ['cell', 'encoder', 'kind'], fields: { weight: FLOAT } },
];
