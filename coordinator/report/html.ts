/** HTML made of templates: what is put into one is escaped, unless it is markup that another made. */
export interface Markup {
  readonly markup: string;
}

export type Content = string | number | Markup | readonly Content[] | undefined;

/** html`<p>${text}</p>`: lists are joined, undefined is nothing. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let markup = strings[0]!;
  for (const [index, content] of contents.entries())
    markup += render(content) + strings[index + 1]!;
  return { markup };
}

/** Markup made elsewhere, such as an SVG. */
export const markup = (text: string): Markup => ({ markup: text });

function render(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'string' || typeof content === 'number')
    return escapeHtml(String(content));
  return 'markup' in content ? content.markup : content.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
