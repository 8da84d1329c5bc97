/**
 * Finds a file's checksum in a publisher's list. Three forms are in use: `<hex>  <file>` (Debian), `<hex> *<file>`
 * (Ubuntu) and `SHA256 (<file>) = <hex>` (Rocky Linux). Undefined when the file is not named.
 */
export function findChecksum(text: string, fileName: string, hexLength: number): string | undefined {
  for (const line of text.split("\n")) {
    const plain = /^([0-9a-fA-F]+)\s+\*?(?:\.\/)?(\S+)\s*$/.exec(line);
    const bsd = /^SHA\d+ \((?<file>[^)]+)\) = (?<hex>[0-9a-fA-F]+)\s*$/.exec(line);
    const file = plain?.[2] ?? bsd?.groups?.["file"];
    const hex = plain?.[1] ?? bsd?.groups?.["hex"];
    if (file === fileName && hex?.length === hexLength) return hex.toLowerCase();
  }
  return undefined;
}
