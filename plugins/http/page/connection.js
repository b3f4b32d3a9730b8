// Whether the server is there. While it is not, a notice says what to do, and it is asked again
// until it answers.

import { element } from "./dom.js";
import * as engine from "./engine.js";

const EVERY = 15000;
const FIRST_RETRY = 500;
const LAST_RETRY = 5000;

export class Connection {
    /** @param {{onBack: () => void}} page  told when the server has come back */
    constructor({ onBack }) {
        this.onBack = onBack;
        this.sign = element("connection");
        this.words = this.sign.querySelector(".words");
        this.notice = element("offline");
        this.isOffline = false;
        this.retry = FIRST_RETRY;
        this.timer = 0;
        document.addEventListener("visibilitychange", () => {
            if (!document.hidden) this.check();
        });
    }

    async check() {
        clearTimeout(this.timer);
        try {
            const status = await engine.status();
            this.online(status);
        } catch (error) {
            // A server that is being stopped answers so.
            if (error.code === "offline" || error.status === 503) this.offline();
            else this.refused(error.message);
        }
        clearTimeout(this.timer);
        // A hidden page asks nothing; it looks when it is seen again.
        if (!document.hidden || this.isOffline)
            this.timer = setTimeout(() => this.check(), this.isOffline ? this.retry : EVERY);
    }

    show(state, words) {
        this.sign.dataset.state = state;
        if (this.words.textContent !== words) this.words.textContent = words;
    }

    online({ version, threads, kernels }) {
        const wasOffline = this.isOffline;
        this.isOffline = false;
        this.retry = FIRST_RETRY;
        this.notice.hidden = true;
        this.sign.title = [`lualab ${version}`, threads && `${threads} threads`, kernels]
            .filter(Boolean)
            .join(", ");
        this.show("good", "ready");
        if (wasOffline) this.onBack();
    }

    offline() {
        if (this.isOffline) {
            this.retry = Math.min(this.retry * 2, LAST_RETRY);
            return;
        }
        this.isOffline = true;
        this.show("bad", "not connected");
        this.notice.textContent =
            `lualab at ${location.host} does not answer. Start it again with ` +
            "“lualab serve”: this page goes on by itself when it is back.";
        this.notice.hidden = false;
    }

    /** It is there, but does not let this page in: it says why. */
    refused(message) {
        this.show("bad", "not allowed");
        this.notice.textContent = message;
        this.notice.hidden = false;
    }

    /** Another request found nobody. */
    lost() {
        if (!this.isOffline) {
            this.offline();
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.check(), this.retry);
        }
    }
}
