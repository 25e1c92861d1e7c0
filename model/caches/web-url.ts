/** Whether a text is an address of the web without user, password and place in the page. */
export const isWebUrl = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
};

/** What is wrong with one that is none, as the end of a sentence. */
export const webUrlFault = (text: string): string =>
  /^https?:\/\/[^/?]*@/.test(text)
    ? 'holds a user or password: put them into a file, and name it with netrcFile.'
    : 'is not an address such as https://cache.example.org.';
