import { Metadata, type MetadataOptions } from '@grpc/grpc-js';
import { partAuthorization } from '../../platform/own-identity';

/** The metadata of a call to an encoder host: what this process shows of itself. */
export const partMetadata = (options: MetadataOptions = {}): Metadata => {
  const metadata = new Metadata(options);
  const { authorization } = partAuthorization();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  return metadata;
};
