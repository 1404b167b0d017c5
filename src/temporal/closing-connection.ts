import { InterceptingCall, Metadata, status, type Interceptor } from '@grpc/grpc-js';
import { Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';

type Call = ReturnType<Parameters<Interceptor>[1]>;

/** A call that ends at once with `CANCELLED`, which nothing tries again. */
const endedCall = (): Call => ({
  start: (_metadata, listener) => {
    process.nextTick(() => {
      // The one who waits for a single answer is told that there is none.
      listener?.onReceiveMessage?.(null);
      listener?.onReceiveStatus?.({
        code: status.CANCELLED,
        details: 'The connection to Temporal was closed.',
        metadata: new Metadata(),
      });
    });
  },
  sendMessage: () => undefined,
  sendMessageWithContext: () => undefined,
  startRead: () => undefined,
  halfClose: () => undefined,
  cancelWithStatus: () => undefined,
  getPeer: () => 'closed',
  getAuthContext: () => null,
});

/**
 * Temporal's client tries a call that failed again from a timer, and grpc-js throws where its channel was closed meanwhile:
 * nobody can catch that. What would begin on a closed connection ends here instead, for whoever waits for it.
 */
export const connectClosably = async (
  options: Omit<ConnectionOptions, 'interceptors'>,
): Promise<{ connection: Connection; close: () => Promise<void> }> => {
  let isClosed = false;
  const endWhenClosed: Interceptor = (callOptions, nextCall) =>
    new InterceptingCall(isClosed ? endedCall() : nextCall(callOptions));
  const connection = await Connection.connect({
    ...options,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endWhenClosed],
  });
  return {
    connection,
    close: async () => {
      isClosed = true;
      await connection.close();
    },
  };
};
