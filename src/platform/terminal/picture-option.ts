import { InvalidArgumentError } from 'commander';
import { parsePictureFormat, type PictureFormat } from '../../domain';

/** Argument parser of `--picture`. @throws InvalidArgumentError */
export const pictureOption = (text: string): PictureFormat => {
  const format = parsePictureFormat(text);
  if (format) return format;
  throw new InvalidArgumentError('write it as WIDTHxHEIGHT@RATE, such as 1920x1080@60000/1001');
};
