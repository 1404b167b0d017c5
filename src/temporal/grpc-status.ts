import { status } from '@grpc/grpc-js';

/** gRPC statuses with which Temporal refuses. */
export { status as grpcStatus };

/** Whether what was thrown is an answer of a server with one of these statuses. */
export const isGrpc = (error: unknown, ...statuses: status[]): boolean =>
  statuses.some((one) => one === (error as { code?: unknown }).code);
