/** Ways to tell people, as the report and activities name them. */
export type NotifierKind = 'ntfy' | 'org';
