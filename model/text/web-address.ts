/** Whether a link may lead there: an address of the Web in which nothing could end the link. */
export const isWebAddress = (url: string): boolean => /^https?:\/\/[\w.~:/?#@!$&'*+,;=%-]{1,2000}$/.test(url);
