// The SQL box: named queries with their parameters, or a statement of one's own, against the
// catalog opened for reading. Rows come as a table; pictures in it are shown.

import { duration, element, make, memory, plural } from "./dom.js";
import * as engine from "./engine.js";

const EXAMPLE =
    "SELECT r.id AS result, r.path, m.name AS model, map_png(r.map, p.colors) AS map\n" +
    "FROM results r JOIN v_palettes p USING (label_set) LEFT JOIN models m ON m.id = r.model\n" +
    "ORDER BY r.id DESC LIMIT 20;";

/** Views first, then tables, without SQLite's own and those behind indexes. */
const SCHEMA =
    "SELECT t.name, group_concat(c.name, ', ') AS columns " +
    "FROM pragma_table_list t, pragma_table_info(t.name) c " +
    "WHERE t.schema = 'main' AND t.type IN ('view', 'table') AND t.name NOT LIKE 'sqlite%' " +
    "GROUP BY t.type, t.name ORDER BY t.type DESC, t.name";

export class Sql {
    /** @param {{onOpen: (id: number) => Promise<void>}} page  for what a column "result" has */
    constructor({ onOpen }) {
        this.onOpen = onOpen;
        this.form = element("ask");
        this.query = element("query");
        this.about = element("query-about");
        this.parameters = element("parameters");
        this.statement = element("statement");
        this.error = element("sql-error");
        this.state = element("sql-state");
        this.rows = element("rows");
        /** @type {Map<string, any>} */
        this.named = new Map();
        this.own = memory.get("sql", EXAMPLE);
        this.statement.value = this.own;
        element("schema").addEventListener("toggle", () => this.showTables());
        this.query.addEventListener("change", () => this.pick());
        this.statement.addEventListener("input", () => this.typed());
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.run();
        });
        this.form.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                this.run();
            }
        });
    }

    /** Asks for the named queries, once. */
    async show() {
        if (this.named.size) return;
        try {
            for (const one of await engine.queries()) {
                this.named.set(one.name, one);
                this.query.append(make("option", { value: one.name, text: one.name }));
            }
            this.error.textContent = "";
        } catch (error) {
            this.error.textContent = error.message;
        }
    }

    /** What can be asked for; choosing one asks for its rows. */
    async showTables() {
        const list = element("tables");
        if (!element("schema").open || list.children.length) return;
        try {
            const { rows } = await engine.sql({ sql: SCHEMA });
            const entries = rows.flatMap(([name, columns]) => {
                const link = make("button", { type: "button", class: "plain link", text: name });
                link.addEventListener("click", () => {
                    this.query.value = "";
                    this.pick();
                    this.statement.value = `SELECT * FROM ${name} LIMIT 100;`;
                    this.typed();
                    this.run();
                });
                return [make("dt", {}, link), make("dd", { text: columns })];
            });
            list.replaceChildren(...entries);
            element("schema-error").textContent = "";
        } catch (error) {
            element("schema-error").textContent = error.message;
        }
    }

    /** A named query was chosen: its text, what it answers, and fields for its parameters. */
    pick() {
        const chosen = this.named.get(this.query.value);
        this.about.textContent = chosen?.about ?? "";
        this.statement.value = chosen?.sql.trim() ?? this.own;
        this.parameters.replaceChildren(
            ...(chosen?.parameters ?? []).map((one) =>
                make(
                    "label",
                    {},
                    make("span", { text: one.name }),
                    make("input", {
                        name: one.name,
                        autocomplete: "off",
                        placeholder: one.optional ? "left out" : "needed",
                    }),
                    make("span", { class: "soft", text: one.doc }),
                ),
            ),
        );
    }

    /** Changing a named query's text makes it one's own, its parameters stay. */
    typed() {
        if (
            this.query.value &&
            this.statement.value.trim() !== this.named.get(this.query.value).sql.trim()
        ) {
            this.query.value = "";
            this.about.textContent = "";
        }
        this.own = this.statement.value;
        memory.set("sql", this.own);
    }

    values() {
        const values = {};
        for (const field of this.parameters.querySelectorAll("input")) {
            const text = field.value.trim();
            if (text !== "")
                values[field.name] = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
        }
        return values;
    }

    async run() {
        this.abort?.abort();
        this.abort = new AbortController();
        this.state.textContent = "asking …";
        try {
            const what = this.query.value
                ? { query: this.query.value }
                : { sql: this.statement.value };
            const answer = await engine.sql(
                { ...what, parameters: this.values(), limit: 500 },
                { signal: this.abort.signal },
            );
            this.error.textContent = "";
            this.table(answer);
        } catch (error) {
            if (engine.isCancelled(error)) return;
            this.state.textContent = "";
            this.error.textContent = error.message;
            this.rows.hidden = true;
        }
    }

    /** Opens a result of the catalog. */
    link(id) {
        return make("button", {
            type: "button",
            class: "plain link",
            text: id,
            title: `Open result ${id}`,
            onclick: () =>
                this.onOpen(id).catch((error) => {
                    this.error.textContent = `Result ${id} cannot be opened: ${error.message}`;
                }),
        });
    }

    table({ columns, rows, truncated, ms }) {
        this.state.textContent =
            `${plural(rows.length, "row")}${truncated ? ", more are left out" : ""}, ` +
            duration(ms);
        const isNumber = columns.map(
            (_, i) =>
                rows.some((row) => typeof row[i] === "number") &&
                rows.every((row) => row[i] === null || typeof row[i] === "number"),
        );
        const head = make(
            "tr",
            {},
            ...columns.map((name, i) =>
                make("th", { scope: "col", class: isNumber[i] ? "number" : null, text: name }),
            ),
        );
        const body = rows.map((row) =>
            make(
                "tr",
                {},
                ...row.map((value, i) =>
                    make(
                        "td",
                        { class: isNumber[i] ? "number" : null },
                        columns[i] === "result" && Number.isInteger(value)
                            ? this.link(value)
                            : cell(value),
                    ),
                ),
            ),
        );
        this.rows.replaceChildren(
            make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)),
        );
        this.rows.hidden = columns.length === 0;
    }
}

/** A value as what is put into its cell. */
function cell(value) {
    if (value === null) return make("span", { class: "soft", text: "NULL" });
    if (typeof value === "object" && value.image?.startsWith("data:image/"))
        return make("img", { src: value.image, alt: "a picture", loading: "lazy" });
    if (typeof value === "object" && "bytes" in value)
        return make("span", { class: "soft", text: `${value.bytes} bytes` });
    return make("span", {
        text: typeof value === "object" ? JSON.stringify(value) : String(value),
    });
}
