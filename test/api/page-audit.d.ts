/** Run in the page: their source is sent to the browser. */
export declare const namelessControls: () => string[];
export declare const faintTexts: () => { text: string; ratio: number }[];
export const amberPoints: (name: string) => number;
