import type { ChannelOptions } from '@grpc/grpc-js';

/**
 * Keepalive pings find a host that is gone without a word (power, network, SIGSTOP) within 6 s; a host that is back
 * is found again within a second. Each client has a connection of its own.
 */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.keepalive_time_ms': 3_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // A proxy of the environment is for the way out, not for the swarm's own parts.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};
