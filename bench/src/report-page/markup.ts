/** HTML and SVG as text. What is not markup is escaped, so no measured name can break the page. */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `undefined` and `false`: nothing, so that a part can be left out where it stands. */
export type Child = Markup | string | undefined | false | readonly Child[];

export type Attributes = Readonly<Record<string, string | number | undefined>>;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Elements that have no end tag in HTML. */
const VOID = new Set(['meta', 'link']);

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}

function textOf(child: Child): string {
  if (child === undefined || child === false) return '';
  if (typeof child === 'string') return escaped(child);
  return child instanceof Markup ? child.text : child.map(textOf).join('');
}

/** An attribute that is `undefined` is left out. */
export function tag(name: string, attributes: Attributes = {}, ...children: Child[]): Markup {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('');
  if (VOID.has(name)) return new Markup(`<${name}${written}>`);
  return new Markup(`<${name}${written}>${textOf(children)}</${name}>`);
}
