import type { CST } from "yaml";

/**
 * Where values first nest deeper than the limit, as an offset; undefined where
 * they never do. Goes without recursion, which the YAML package's next step does
 * not: a text of brackets alone would exhaust the stack there.
 */
export function tooDeepAt(tokens: readonly CST.Token[], limit: number): number | undefined {
  const waiting = tokens.map((token) => ({ token, depth: 0 })).toReversed();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { token, depth } = next;
    if (depth > limit) return "offset" in token ? token.offset : 0;
    for (const inner of innerOf(token).toReversed()) waiting.push({ token: inner, depth: depth + 1 });
  }
  return undefined;
}

function innerOf(token: CST.Token): readonly CST.Token[] {
  if (token.type === "document") return token.value ? [token.value] : [];
  if (!("items" in token)) return [];
  return token.items.flatMap(({ key, value }) =>
    [key, value].filter((inner) => inner !== null && inner !== undefined),
  );
}
