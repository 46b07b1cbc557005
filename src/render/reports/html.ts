/** HTML pages that need nothing beside themselves: no fonts, scripts or styles from elsewhere. */

/** Markup; made by `html` and `join` only, so that text is always escaped. */
export interface Markup {
  readonly markup: string;
}

/** A template whose inserted texts and numbers are escaped, and whose markup is not. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | number | Markup)[]): Markup {
  const markup = parts.map((part, index) => {
    const value = values[index];
    if (value === undefined) return part;
    return part + (typeof value === "object" ? value.markup : escape(String(value)));
  });
  return { markup: markup.join("") };
}

/** Markup one after the other. */
export function join(parts: readonly Markup[]): Markup {
  return { markup: parts.map(({ markup }) => markup).join("\n") };
}

/** A whole page; `style` and `script` are our own fixed texts. */
export function page(title: string, style: string, body: Markup, script = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
${body.markup}
<script>${script}</script>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}
