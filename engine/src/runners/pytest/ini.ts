/**
 * A reader of INI files with the semantics of `iniconfig`, which pytest uses; other readers lose continuation lines or
 * do not know `key: value`. What iniconfig refuses is refused here too, as then pytest does not start.
 *
 * Worth knowing: values keep what looks like an inline comment (only section headers lose theirs), continuation lines
 * run on over blank and comment lines, and a line that begins with `[` but does not end with `]` continues a value.
 */

/** Sections, and in each of them names and values; several lines of a value are joined by newlines. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What is wrong with an INI file, in the words of iniconfig. */
export interface IniProblem {
  /** One-based. */
  readonly line: number;
  readonly problem: string;
}

/** What Python takes for whitespace; JavaScript's trim() differs (U+FEFF, U+001C to U+001F, U+0085). */
function isSpace(code: number): boolean {
  return (
    (code >= 0x09 && code <= 0x0d) ||
    (code >= 0x1c && code <= 0x20) ||
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/** Line ends of `str.splitlines()`; "\r\n" is one of them, and seen before this. */
function isLineEnd(code: number): boolean {
  return (
    (code >= 0x0a && code <= 0x0d) ||
    (code >= 0x1c && code <= 0x1e) ||
    code === 0x85 ||
    code === 0x2028 ||
    code === 0x2029
  );
}

/** Python's `str.lstrip()`. */
function stripStart(text: string): string {
  let start = 0;
  while (start < text.length && isSpace(text.charCodeAt(start))) {
    start++;
  }
  return text.slice(start);
}

/** Python's `str.rstrip()`. */
function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charCodeAt(end - 1))) {
    end--;
  }
  return text.slice(0, end);
}

/** Python's `str.strip()`. */
export function pythonStrip(text: string): string {
  return stripEnd(stripStart(text));
}

/** Python's `str.splitlines()`. */
export function pythonLines(text: string): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isLineEnd(code)) {
      lines.push(text.slice(start, at));
      if (code === 0x0d && text.charCodeAt(at + 1) === 0x0a) {
        at++;
      }
      start = at + 1;
    }
  }
  if (start < text.length) {
    lines.push(text.slice(start));
  }
  return lines;
}

/** Whether reading an INI file found a problem. */
export function isIniProblem(result: IniSections | IniProblem): result is IniProblem {
  return "problem" in result;
}

/** Reads an INI file as iniconfig does. */
export function parseIni(text: string): IniSections | IniProblem {
  const sections = new Map<string, Map<string, string>>();
  /** The values in order; iniconfig looks for duplicates only after it has read all lines. */
  const entries: { line: number; section: string | null; name: string | null; value: string[] }[] = [];
  let section: string | null = null;
  for (const [index, raw] of pythonLines(text.replace(/^\uFEFF/, "")).entries()) {
    const line = index + 1;
    const content = stripEnd(raw);
    const first = stripStart(content).charAt(0);
    if (first === "" || first === "#" || first === ";") {
      continue;
    }
    let continued: string | null = null;
    if (content.startsWith("[")) {
      const header = stripEnd(content.split(/[#;]/, 1)[0] as string);
      if (header.endsWith("]")) {
        section = header.slice(1, -1);
        if (section === "") {
          return { line, problem: "empty section name" };
        }
        entries.push({ line, section, name: null, value: [] });
        continue;
      }
      continued = content;
    } else if (isSpace(content.charCodeAt(0))) {
      continued = pythonStrip(content);
    }
    if (continued !== null) {
      const last = entries.at(-1);
      if (last === undefined || last.name === null) {
        return { line, problem: "unexpected value continuation" };
      }
      last.value.push(continued);
      continue;
    }
    let at = content.indexOf("=");
    if (at < 0 || content.slice(0, at).includes(":")) {
      at = content.indexOf(":");
    }
    if (at < 0) {
      return { line, problem: `unexpected line: ${JSON.stringify(content)}` };
    }
    const value = pythonStrip(content.slice(at + 1));
    entries.push({ line, section, name: pythonStrip(content.slice(0, at)), value: value === "" ? [] : [value] });
  }
  for (const { line, section: owner, name, value } of entries) {
    if (owner === null) {
      return { line, problem: "no section header defined" };
    }
    const values = sections.get(owner);
    if (name === null) {
      if (values !== undefined) {
        return { line, problem: `duplicate section ${JSON.stringify(owner)}` };
      }
      sections.set(owner, new Map());
    } else if (values !== undefined) {
      if (values.has(name)) {
        return { line, problem: `duplicate name ${JSON.stringify(name)}` };
      }
      values.set(name, value.join("\n"));
    }
  }
  return sections;
}
