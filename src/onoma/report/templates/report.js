"use strict";
(() => {
  const PAGE = 10;
  const FIELDS = ["set", "system", "outcome", "class", "label", "slice", "q"];
  const form = document.getElementById("filters");
  const list = document.getElementById("examples-list");
  const status = document.getElementById("found");
  const more = document.getElementById("more");
  let data, names, found = [], first = 0, shown = 0, current = -1, folded = new Map();

  /* Unpacking: the browser's own inflater, or ours where it has none. */

  function bytes(base64) {
    const text = atob(base64), made = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) made[i] = text.charCodeAt(i);
    return made;
  }

  async function unpack(packed) {
    if (typeof DecompressionStream !== "function") return new TextDecoder().decode(inflate(packed));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }

  /* RFC 1950 and 1951: a zlib stream, bit by bit. */
  function inflate(input) {
    let at = 2, bit = 0, held = 0, out = new Uint8Array(input.length * 8), size = 0;
    const bits = (n) => {
      while (bit < n) { held |= input[at++] << bit; bit += 8; }
      const value = held & ((1 << n) - 1);
      held >>>= n; bit -= n;
      return value;
    };
    const put = (byte) => {
      if (size === out.length) { const wider = new Uint8Array(2 * size); wider.set(out); out = wider; }
      out[size++] = byte;
    };
    const tree = (lengths) => {
      const count = new Uint16Array(16), first = new Uint16Array(16), symbols = [];
      for (const length of lengths) count[length]++;
      count[0] = 0;
      for (let i = 1; i < 16; i++) first[i] = first[i - 1] + count[i - 1];
      lengths.forEach((length, symbol) => { if (length) symbols[first[length]++] = symbol; });
      return { count, symbols };
    };
    const read = ({ count, symbols }) => {
      let code = 0, first = 0, index = 0;
      for (let length = 1; length < 16; length++) {
        code |= bits(1);
        if (code - count[length] < first) return symbols[index + code - first];
        index += count[length]; first = (first + count[length]) << 1; code <<= 1;
      }
      throw new Error("the examples are damaged");
    };
    const steps = (bases, extras, last) => extras.reduce((row, extra) => {
      for (let i = 0; i < bases; i++) { row.push([last, extra]); last += 1 << extra; }
      return row;
    }, []);
    const lengthOf = [...steps(8, [0], 3), ...steps(4, [1, 2, 3, 4, 5], 11)];
    lengthOf[28] = [258, 0];
    const distanceOf = [...steps(4, [0], 1), ...steps(2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], 5)];
    const fixed = [tree([...Array(144).fill(8), ...Array(112).fill(9), ...Array(24).fill(7), ...Array(8).fill(8)]), tree(Array(30).fill(5))];
    const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    for (let last = 0; !last;) {
      last = bits(1);
      const kind = bits(2);
      if (!kind) {
        bit = held = 0;
        const length = input[at] | input[at + 1] << 8;
        at += 4;
        for (let i = 0; i < length; i++) put(input[at++]);
        continue;
      }
      let [words, places] = fixed;
      if (kind === 2) {
        const literals = bits(5) + 257, distances = bits(5) + 1, codes = bits(4) + 4, lengths = Array(19).fill(0);
        for (let i = 0; i < codes; i++) lengths[order[i]] = bits(3);
        const meta = tree(lengths), all = [];
        while (all.length < literals + distances) {
          const symbol = read(meta);
          if (symbol < 16) { all.push(symbol); continue; }
          const [value, times] = symbol === 16 ? [all[all.length - 1], 3 + bits(2)] : [0, symbol === 17 ? 3 + bits(3) : 11 + bits(7)];
          for (let i = 0; i < times; i++) all.push(value);
        }
        words = tree(all.slice(0, literals));
        places = tree(all.slice(literals));
      }
      for (let symbol; (symbol = read(words)) !== 256;) {
        if (symbol < 256) { put(symbol); continue; }
        const [base, extra] = lengthOf[symbol - 257], length = base + bits(extra);
        const [near, further] = distanceOf[read(places)], back = near + bits(further);
        for (let i = 0; i < length; i++) put(out[size - back]);
      }
    }
    return out.subarray(0, size);
  }

  /* Filters. */

  const value = (name) => form.elements[name].value;
  const set = () => data[value("set")];
  const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ");

  function options(name, rows, first, groups = []) {
    const select = form.elements[name], kept = select.value;
    select.replaceChildren();
    if (first) select.add(new Option(first, ""));
    for (const [key, text] of rows) select.add(new Option(text, key));
    for (const [label, inside] of groups) {
      const group = document.createElement("optgroup");
      group.label = label;
      group.append(...inside.map(([key, text]) => new Option(text, key)));
      if (inside.length) select.append(group);
    }
    if ([...select.options].some((each) => each.value === kept)) select.value = kept;
  }

  function fill() {
    const here = set();
    options("system", here.systems.map((each) => [each, each]), "any");
    const classes = here.taxonomies.map(([name, kinds, shown], at) => {
      const used = new Set([...here.used].map((each) => here.classes[each][at]));
      return [name, kinds.map((kind, number) => [at ? name + ":" + kind : kind, shown[number]]).filter((_, number) => used.has(number))];
    });
    options("class", classes[0][1], "any", classes.slice(1));
    options("label", here.labels.map((each) => [each, each]), "any");
    options("slice", here.slices.flatMap(([name, values]) => values.slice(0, -1).map((each) => [name + "=" + each, name.replaceAll("_", " ") + ": " + each])), "any");
  }

  /* "gner:UE", or a class of the first taxonomy by itself: all classes that are of this kind there, and which taxonomy it is. */
  function classesOf(here, asked) {
    const named = here.taxonomies.findIndex(([name]) => asked.startsWith(name + ":")), at = Math.max(named, 0);
    const kind = here.taxonomies[at][1].indexOf(named < 0 ? asked : asked.slice(here.taxonomies[at][0].length + 1));
    return [new Set([...here.classes.keys()].filter((each) => here.classes[each][at] === kind)), at];
  }

  function wanted() {
    const here = set(), text = fold(value("q").trim()), system = here.systems.indexOf(value("system"));
    const [kind, taxonomy] = value("class") ? classesOf(here, value("class")) : [null, null];
    const label = value("label") ? here.labels.indexOf(value("label")) : null;
    const [slice, part] = value("slice").split(/=(.*)/s);
    const digit = here.slices.findIndex(([name]) => name === slice);
    const code = digit < 0 ? null : String(here.slices[digit][1].indexOf(part));
    const outcome = value("outcome");
    const every = system < 0 ? here.systems.map((_, at) => at) : [system];
    const mention = (row, at) => (label === null || row[2] === label) && (code === null || row[at][digit] === code);
    /* With a class an error is looked for under its gold label, as it is counted; else under the labels of both sides. */
    const counted = (is) => label === null || taxonomy !== 0 || !here.joint.includes(is);
    const errors = (gold, answer) => answer !== 0 && (
      answer[0].some(([place, is]) => (kind === null || kind.has(is)) && mention(gold[place], 3))
      || answer[1].some((row) => (kind === null || kind.has(row[3])) && counted(row[3]) && mention(row, 4))
      || (code === null && answer[2].some(([, is, of]) => (kind === null || kind.has(of)) && counted(of) && (label === null || is === label))));
    const judged = { wrong: true, only: true, over: true, all: true, apart: true, right: false };
    /* Where one is right, class, label and slice are those of the others' errors. */
    const blamed = outcome === "only" || outcome === "over" ? here.systems.map((_, at) => at) : every;
    return ([, , gold, answers], at) => {
      const right = answers.map((each) => each === 0), good = right.filter(Boolean).length;
      if (outcome === "wrong" && every.every((each) => right[each])) return false;
      if (outcome === "right" && !every.every((each) => right[each])) return false;
      if (outcome === "all" && good) return false;
      if (outcome === "apart" && new Set(answers.map((each) => JSON.stringify(each))).size < 2) return false;
      if (outcome === "only" && !(good === 1 && (system < 0 || right[system]))) return false;
      if (outcome === "over" && !(good && good < right.length && (system < 0 || right[system]))) return false;
      if (kind !== null || (judged[outcome] && (label !== null || code !== null))) {
        if (!blamed.some((each) => errors(gold, answers[each]))) return false;
      } else if (label !== null || code !== null) {
        if (!gold.some((row) => mention(row, 3)) && !every.some((each) => errors(gold, answers[each]))) return false;
      }
      return !text || lowered(value("set"), at).includes(text);
    };
  }

  function lowered(name, at) {
    let rows = folded.get(name);
    if (!rows) folded.set(name, rows = []);
    return rows[at] ??= fold(data[name].sentences[at][1]);
  }

  function search(at = null) {
    const fits = wanted();
    found = [];
    set().sentences.forEach((row, place) => { if (fits(row, place)) found.push(place); });
    list.replaceChildren();
    if (!found.length) list.append(make("li", "note", "No sentence fits these filters."));
    current = at === null ? -1 : found.indexOf(at);
    const cut = set().cut ? `; ${set().cut.toLocaleString("en")} further sentences are left out of this page` : "";
    status.textContent = `${found.length.toLocaleString("en")} of ${set().sentences.length.toLocaleString("en")} sentences${cut}`;
    first = shown = Math.max(current, 0); // a late sentence does not wait for all before it
    grow();
    mark();
  }

  function grow(n = PAGE) {
    const last = Math.min(found.length, shown + n);
    while (shown < last) list.append(card(found[shown++]));
    more.hidden = shown >= found.length;
  }

  /* Drawing. */

  function make(tag, kind, text) {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const kindOf = (here, at) => here.taxonomies[0][2][here.classes[at][0]];

  function spansOf([, , gold, answers], at, here) {
    const name = (label, kind) => here.labels[label] + " " + kindOf(here, kind);
    if (at < 0) return gold.map(([start, size, label, , pieces]) => ({ start, size, pieces, kind: "gold", text: here.labels[label] }));
    const answer = answers[at] || [[], [], []], missed = new Map(answer[0]);
    const made = gold.map(([start, size, label, , pieces], place) => missed.has(place)
      ? { start, size, pieces, kind: "missed", text: "− " + name(label, missed.get(place)) }
      : { start, size, pieces, kind: "right", text: here.labels[label] });
    return made.concat(answer[1].map(([start, size, label, kind, , pieces]) => ({ start, size, pieces, kind: "false", text: "+ " + name(label, kind) })));
  }

  /* Every stretch between two ends of mentions lies in the marks of all that cover it, one below the other. */
  function drawn(letters, spans) {
    const line = make("span", "text"), whole = letters.length;
    const parts = spans.flatMap((span) => (span.pieces || [[span.start, span.size]]).map(([start, size], at, all) => ({ span, start, end: start + size, last: at === all.length - 1 })));
    parts.sort((a, b) => a.start - b.start || b.end - a.end);
    const lanes = [];
    for (const part of parts) {
      let lane = 0;
      while ((lanes[lane] ?? -1) > part.start) lane++;
      lanes[lane] = part.end;
      part.lane = lane;
    }
    const edges = [...new Set([0, whole, ...parts.flatMap((each) => [each.start, each.end])])].sort((a, b) => a - b);
    for (let i = 0; i + 1 < edges.length; i++) {
      const [start, end] = [edges[i], edges[i + 1]];
      const over = parts.filter((each) => each.start <= start && each.end >= end).sort((a, b) => a.lane - b.lane);
      const text = letters.slice(start, end).join("");
      if (!over.length) { line.append(text); continue; }
      let inner = make("span", "t", text);
      for (const each of over) {
        const mark = make("span", "span " + each.span.kind);
        mark.style.setProperty("--lane", each.lane);
        mark.append(inner);
        inner = mark;
      }
      line.append(inner);
      for (const each of over.filter((one) => one.end === end && one.last)) line.append(make("i", "tag " + each.span.kind, each.span.text));
    }
    return line;
  }

  function card(place) {
    const here = set(), row = here.sentences[place], letters = Array.from(row[1]);
    const item = make("li", "example"), head = make("p", "where");
    item.id = "sentence-" + place;
    item.dataset.place = place;
    item.tabIndex = -1;
    const anchor = make("a", "", `Sentence ${(place + 1).toLocaleString("en")}`);
    anchor.href = address(place);
    anchor.title = "A link to this sentence";
    head.append(anchor, " ", make("span", "soft", "of document " + row[0]));
    item.append(head);
    const table = make("dl", "answers");
    const groups = new Map();
    here.systems.forEach((name, at) => {
      const key = JSON.stringify(row[3][at]);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(at);
    });
    const agreed = groups.get("0") || [];
    groups.delete("0");
    const add = (who, spans, problems) => {
      const body = make("dd");
      body.append(drawn(letters, spans));
      for (const [text, label, kind] of problems) body.append(make("span", "problem", `+ ${here.labels[label] ?? "?"} ${kindOf(here, kind)}: “${text}”, without a place in this document`));
      table.append(who, body);
    };
    const title = (first, ats) => {
      const made = make("dt", "", first);
      for (const at of ats) {
        const who = make("span", "who"), dot = make("i", "dot s" + names[here.systems[at]]);
        dot.setAttribute("aria-hidden", "true");
        who.append(dot, here.systems[at]);
        made.append(who, " ");
      }
      return made;
    };
    const gold = title("", agreed);
    gold.prepend(make("b", "", agreed.length ? "gold, and" : "gold"), " ");
    add(gold, spansOf(row, -1, here), []);
    for (const ats of groups.values()) add(title("", ats), spansOf(row, ats[0], here), row[3][ats[0]][2]);
    item.append(table);
    return item;
  }

  /* Permalinks and keys. */

  function address(place) {
    const asked = new URLSearchParams();
    for (const name of FIELDS) if (value(name)) asked.set(name, value(name));
    if (place !== null) asked.set("at", place + 1);
    return "#ex:" + asked.toString().replaceAll("+", "%20");
  }

  function mark() {
    for (const each of list.querySelectorAll("[aria-current]")) each.removeAttribute("aria-current");
    if (current < 0 || current >= found.length) return null;
    if (current >= shown) grow(current + 1 - shown);
    while (current < first) list.prepend(card(found[--first]));
    const item = list.children[current - first];
    item.setAttribute("aria-current", "true");
    return item;
  }

  function go(step) {
    if (!found.length) return;
    current = Math.min(Math.max(current + step, 0), found.length - 1);
    const item = mark();
    history.replaceState(null, "", address(found[current]));
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }

  function follow() {
    if (!location.hash.startsWith("#ex:")) return false;
    const asked = new URLSearchParams(location.hash.slice(4));
    if (data[asked.get("set")]) form.elements.set.value = asked.get("set");
    fill();
    for (const name of FIELDS.slice(1)) form.elements[name].value = asked.get(name) ?? "";
    for (const name of FIELDS) if (form.elements[name].selectedIndex === -1) form.elements[name].selectedIndex = 0;
    const at = Number(asked.get("at"));
    search(at ? at - 1 : null);
    const item = mark();
    (item || document.getElementById("examples")).scrollIntoView();
    if (item) item.focus({ preventScroll: true });
    return true;
  }

  let waiting;
  function changed(event) {
    if (event.target.name === "set") fill();
    clearTimeout(waiting);
    waiting = setTimeout(() => { search(); history.replaceState(null, "", address(null)); }, event.type === "input" ? 80 : 0);
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "/") form.elements.q.focus();
    else return;
    event.preventDefault();
  }

  async function start() {
    const block = document.getElementById("examples-data");
    const text = block.dataset.packed === "zlib" ? await unpack(bytes(block.textContent)) : block.textContent;
    ({ sets: data, slots: names } = JSON.parse(text));
    for (const each of Object.values(data)) {
      each.used = new Set(each.sentences.flatMap(([, , , answers]) => answers.flatMap((answer) => answer ? [...answer[0].map((row) => row[1]), ...answer[1].map((row) => row[3]), ...answer[2].map((row) => row[2])] : [])));
    }
    options("set", Object.keys(data).map((each) => [each, each]));
    fill();
    if (!follow()) { form.elements.outcome.value = "wrong"; search(); }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", changed);
    form.elements.q.addEventListener("input", changed);
    form.addEventListener("reset", () => setTimeout(() => { fill(); search(); history.replaceState(null, "", address(null)); }));
    document.getElementById("next").addEventListener("click", () => go(1));
    document.getElementById("previous").addEventListener("click", () => go(-1));
    more.addEventListener("click", () => grow());
    addEventListener("hashchange", follow);
    addEventListener("keydown", key);
    document.documentElement.dataset.ready = "";
  }

  start().catch((problem) => { status.textContent = "The examples cannot be shown: " + problem.message; });
})();
