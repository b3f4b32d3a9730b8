// Light or dark before anything is drawn: a plain script in the head, so that a page whose reader
// chose against the system's scheme does not flash. The button's part is here too: it goes through
// automatic, light and dark, and remembers.
(() => {
    "use strict";
    const KEY = "lualab.theme";
    const root = document.documentElement;
    const order = ["auto", "light", "dark"];

    /** @returns {string} what was chosen; "auto" where nothing was or nothing can be kept */
    function chosen() {
        try {
            const value = localStorage.getItem(KEY);
            return order.includes(value) ? value : "auto";
        } catch {
            return "auto";
        }
    }

    function apply(theme) {
        if (theme === "auto") delete root.dataset.theme;
        else root.dataset.theme = theme;
    }

    let theme = chosen();
    apply(theme);
    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme");
        const tell = () => {
            const words = { auto: "as the system", light: "light", dark: "dark" }[theme];
            button.setAttribute("aria-label", `Colours: ${words}`);
            button.title = `Colours: ${words}`;
        };
        button.addEventListener("click", () => {
            theme = order[(order.indexOf(theme) + 1) % order.length];
            apply(theme);
            tell();
            try {
                localStorage.setItem(KEY, theme);
            } catch {
                // Not kept, then: the choice holds until the page is left.
            }
        });
        tell();
    });
})();
