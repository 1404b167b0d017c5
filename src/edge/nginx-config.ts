/** What the configuration of nginx is made of. */
export interface EdgeConfig {
  /** Addresses that players use. */
  listen: { host: string; port: number };
  /** Origins that hold the same channels, as host:port; the next one is asked where one does not answer. */
  origins: readonly string[];
  /** Under which name the origins are asked. */
  originHost: string;
  /** Folder for the configuration, temporary files and, in `cache/`, what is kept. */
  folder: string;
  cacheMiB: number;
  /** Absent: requests are not logged. */
  accessLog?: string;
}

/** Names of files live in quotes there: whoever can't be quoted is refused before (edge.ts). */
const quoted = (path: string): string => `"${path}"`;

const CONNECTIONS = 8_192;
/** Longer than any window of a playlist: what nobody asks for any more goes. */
const INACTIVE = '20m';

/** An origin that takes longer is given up. */
const ANSWER_LIMIT_S = 10;
/** What is held back until it is there: three target durations at the origin (blocking-reload.ts), with GOPs of 10 s. */
const HELD_BACK_LIMIT_S = 35;
/** Playlists of tracks and parts of segments are. */
const HELD_BACK = String.raw`(?:hls|cmaf)/[^/]+/[^/]+/(?:index\.m3u8|[0-9]+\.p[0-9]+\.\w+)`;

/** What is the same for all addresses of channels. @param key names a copy, before its query */
const proxiedFor =
  (originHost: string) =>
  (key: string, answerLimitS = ANSWER_LIMIT_S): string => `      if ($request_method = OPTIONS) {
        add_header Access-Control-Allow-Origin *;
        add_header Access-Control-Allow-Methods "GET, HEAD";
        add_header Access-Control-Allow-Headers *;
        add_header Access-Control-Max-Age 86400;
        return 204;
      }
      if ($request_method !~ ^(GET|HEAD)$) {
        return 405;
      }

      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${originHost};
      proxy_set_header Accept-Encoding "";
      proxy_connect_timeout 1s;
      proxy_read_timeout ${answerLimitS}s;
      proxy_next_upstream error timeout http_503;

      proxy_cache hls;
      proxy_cache_key ${key}?$kept_args;
      proxy_cache_lock on;
      proxy_cache_lock_timeout 5s;
      # While one request fetches the new playlist, the others need not wait; while no origin answers, the origin's
      # stale-if-error says for how long the last one is still good.
      proxy_cache_use_stale updating;

      proxy_hide_header Access-Control-Allow-Origin;
      proxy_hide_header Access-Control-Expose-Headers;
      error_page 500 502 503 504 =503 @away;
`;

/**
 * Configuration of an nginx that stands between players and origins. It keeps what the origin allows (Cache-Control of
 * the answers, docs/reference/protocols/origin.md), asks once for what many want at the same time, and answers with the
 * last playlist while no origin does. It holds no state: a cache that is lost fills again.
 */
export const nginxConfig = (config: EdgeConfig): string => {
  const { listen, origins, originHost, folder, cacheMiB, accessLog } = config;
  const proxied = proxiedFor(originHost);
  const address = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `daemon off;
worker_processes auto;
pid ${quoted(`${folder}/nginx.pid`)};
error_log stderr warn;
events {
  worker_connections ${CONNECTIONS};
}
http {
  access_log ${accessLog === undefined ? 'off' : quoted(accessLog)};
  server_tokens off;
  types { }
  default_type application/octet-stream;
  client_body_temp_path ${quoted(`${folder}/body`)};
  proxy_temp_path ${quoted(`${folder}/proxy`)};
  fastcgi_temp_path ${quoted(`${folder}/fastcgi`)};
  uwsgi_temp_path ${quoted(`${folder}/uwsgi`)};
  scgi_temp_path ${quoted(`${folder}/scgi`)};
  proxy_cache_path ${quoted(`${folder}/cache`)} levels=1:2 keys_zone=hls:16m max_size=${cacheMiB}m inactive=${INACTIVE} use_temp_path=off;
  # Players that read slowly or not at all give their connection back.
  send_timeout 30s;
  client_header_timeout 10s;
  client_body_timeout 10s;
  keepalive_timeout 75s;

  # What players tell of themselves (CMCD) is for the log: one copy serves them all.
  map $args $kept_args {
    default $args;
    "~^CMCD=[^&]*(?:&(?<rest>.*))?$" $rest;
    "~^(?<before>.*)&CMCD=[^&]*(?<after>&.*)?$" $before$after;
  }

  upstream origin {
${origins.map((origin) => `    server ${origin} max_fails=1 fail_timeout=1s;`).join('\n')}
    keepalive 32;
  }

  server {
    listen ${address}:${listen.port}${listen.host === '::' ? ' ipv6only=off' : ''};
    server_name _;

    # Packed here: one copy of a playlist serves those who can read that and those who can't.
    gzip on;
    gzip_types application/vnd.apple.mpegurl application/dash+xml;
    gzip_min_length 500;
    gzip_proxied any;
    gzip_vary on;

    add_header Access-Control-Allow-Origin * always;
    add_header Access-Control-Expose-Headers "Content-Length, Content-Range, Date, ETag, X-Cache" always;
    add_header X-Cache $upstream_cache_status always;

    location ~ ^/${HELD_BACK}$ {
${proxied('$uri', HELD_BACK_LIMIT_S)}    }

    location ~ ^/(hls|cmaf)/ {
${proxied('$uri')}    }

    # The clock of the origin is for everyone.
    location ~ ^/play/[^/]+/cmaf/time$ {
${proxied('$uri')}    }

    # Addresses that expire: the origin says whether the token is good, and one copy serves all who have a good one.
    location ~ ^/play/(?<token>[^/]+)(?<asked>/(?=${HELD_BACK}$)(?:hls|cmaf)/(?<channel>[^/]+).*)$ {
      auth_request /play-check;
      error_page 403 @refused;
${proxied('signed:$asked', HELD_BACK_LIMIT_S)}    }

    location ~ ^/play/(?<token>[^/]+)(?<asked>/(hls|cmaf)/(?<channel>[^/]+).*)$ {
      auth_request /play-check;
      error_page 403 @refused;
${proxied('signed:$asked')}    }

    location = /play-check {
      internal;
      proxy_pass http://origin/play/$token/check/$channel;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_set_header Host ${originHost};
      proxy_http_version 1.1;
      proxy_connect_timeout 1s;
      proxy_read_timeout 5s;
      proxy_next_upstream error timeout http_503;
      proxy_cache hls;
      proxy_cache_key check:$token/$channel;
      proxy_cache_lock on;
      proxy_cache_use_stale updating;
      proxy_ignore_headers Vary;
    }

    location @refused {
      add_header Access-Control-Allow-Origin * always;
      add_header Cache-Control no-store always;
      return 403 "The token of this address is not good, or not any more.\\n";
    }

    location @away {
      add_header Access-Control-Allow-Origin * always;
      add_header Cache-Control no-store always;
      add_header Retry-After 1 always;
      return 503 "The origin does not answer.\\n";
    }

    location = /healthz {
      return 200 "ok\\n";
    }

    location / {
      add_header Cache-Control no-store always;
      return 404;
    }
  }
}
`;
};
