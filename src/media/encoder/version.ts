/** Version of the encoder host's software, as package.json has it. */
export const ENCODER_HOST_VERSION = '0.1.0';
