"use strict";
(async () => {
  const el = (tag, props, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  };
  const main = document.getElementById("operations");
  let spec;
  try {
    const answer = await fetch("/api/openapi.json");
    if (!answer.ok) throw new Error(String(answer.status));
    spec = await answer.json();
  } catch (e) {
    main.replaceChildren(el("p", { textContent: "The specification could not be read: " + e.message }));
    return;
  }
  document.getElementById("about").textContent = spec.info.description;

  const follow = (s) => (s && s.$ref ? spec.components.schemas[s.$ref.split("/").pop()] : s);
  const typeOf = (s) => {
    if (!s) return "";
    if (s.$ref) return s.$ref.split("/").pop();
    if (s.type === "array") return typeOf(s.items) + "[]";
    if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(" | ");
    const type = Array.isArray(s.type) ? s.type.join(" | ") : s.type || "any";
    return s.format ? type + " (" + s.format + ")" : type;
  };
  const limits = (s) =>
    ["minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern", "default"]
      .filter((k) => s && s[k] !== undefined).map((k) => k + " " + s[k]).join(", ");
  const row = (name, schema, required, text) =>
    el("tr", {}, el("td", { textContent: name + (required ? " *" : "") }), el("td", { className: "type", textContent: typeOf(schema) }),
      el("td", { textContent: [text || (schema && schema.description), limits(schema)].filter(Boolean).join(" · ") }));
  const fields = (schema, prefix = "", depth = 0, seen = []) => {
    const name = schema && schema.$ref;
    const s = follow(schema);
    if (!s || depth > 3 || (name && seen.includes(name))) return [];
    const inner = name ? [...seen, name] : seen;
    if (s.type === "array") return fields(s.items, prefix + "[]", depth, inner);
    return Object.entries(s.properties || {}).flatMap(([key, value]) => {
      const path = prefix ? prefix + "." + key : key;
      return [row(path, value, (s.required || []).includes(key)), ...fields(value, path, depth + 1, inner)];
    });
  };
  const table = (title, rows) => rows.length === 0 ? null : el("section", {}, el("h3", { textContent: title }), el("table", {}, el("tbody", {}, ...rows)));
  const content = (part) => {
    const [media, body] = Object.entries((part && part.content) || {})[0] || [];
    return media ? { media, schema: body.schema } : null;
  };
  const details = (op) => {
    const request = content(op.requestBody);
    const [status, response] = Object.entries(op.responses).find(([code]) => code.startsWith("2")) || [];
    const answer = content(response);
    return el("div", { className: "body" },
      el("p", { textContent: "operationId " + op.operationId }),
      table("Parameters", (op.parameters || []).map((p) => row(p.name + " (" + p.in + ")", p.schema, p.required, p.description))),
      request && table("Request: " + request.media + " " + typeOf(request.schema), fields(request.schema)),
      status && table("Answer " + status + (answer ? ": " + answer.media + " " + typeOf(answer.schema) : ""),
        answer ? fields(answer.schema) : [row("no body", null, false)]));
  };
  const all = Object.entries(spec.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, op]) => ({ path, method: method.toUpperCase(), op, tag: op.tags[0] })));
  const draw = (words) => {
    const wanted = all.filter(({ path, method, op }) => {
      const text = [method, path, op.summary, op.operationId, ...op["x-permissions"]].join(" ").toLowerCase();
      return words.every((w) => text.includes(w));
    });
    const tags = [...new Set(wanted.map((o) => o.tag))].sort();
    document.getElementById("groups").replaceChildren(...tags.map((t) => el("a", { href: "#" + t, textContent: t })));
    main.replaceChildren(...tags.flatMap((tag) => [
      el("h2", { id: tag, textContent: tag }),
      ...wanted.filter((o) => o.tag === tag).map(({ path, method, op }) => {
        const item = el("details", {}, el("summary", {}, el("span", { className: "method", textContent: method }),
          el("code", { textContent: path }), el("span", { textContent: op.summary }),
          el("span", { className: "who", textContent: op["x-permissions"].join(" or ") })));
        item.addEventListener("toggle", () => { if (item.open && item.children.length === 1) item.append(details(op)); });
        return item;
      }),
    ]));
    if (wanted.length === 0) main.replaceChildren(el("p", { textContent: "Nothing found." }));
  };
  const find = document.getElementById("find");
  find.addEventListener("input", () => draw(find.value.toLowerCase().split(/\s+/).filter(Boolean)));
  draw([]);
})();
