// The camera: a dialog with what it sees, and one picture of it. The camera is on only while the
// dialog is open.

import { element, make } from "./dom.js";

const REASONS = {
    NotAllowedError:
        "The browser was not allowed to use the camera. Allow it in the address bar, " +
        "then open this again.",
    NotFoundError: "There is no camera on this machine.",
    NotReadableError: "The camera is in use by another program.",
};

export class Camera {
    /** @param {{onPicture: (name: string, blob: Blob) => void}} page */
    constructor({ onPicture }) {
        this.onPicture = onPicture;
        this.dialog = element("shoot");
        this.video = element("finder");
        this.devices = element("devices");
        this.error = element("shoot-error");
        this.stream = null;
        element("camera").addEventListener("click", () => this.open());
        element("shoot-close").addEventListener("click", () => this.dialog.close());
        element("shoot-take").addEventListener("click", () => this.take());
        this.dialog.addEventListener("close", () => this.stop());
        this.devices.addEventListener("change", () => this.start(this.devices.value));
    }

    async open() {
        this.dialog.showModal();
        await this.start();
    }

    /** @param {string=} device  its id; without: the browser's choice */
    async start(device) {
        this.stop();
        this.error.textContent = "";
        if (!navigator.mediaDevices) {
            this.error.textContent =
                "Browsers give cameras to pages of this machine or over https " +
                "only: open the page by http://localhost.";
            return;
        }
        try {
            const stream = await navigator.mediaDevices.getUserMedia({
                audio: false,
                video: {
                    deviceId: device ? { exact: device } : undefined,
                    width: { ideal: 1280 },
                    height: { ideal: 720 },
                },
            });
            if (!this.dialog.open) {
                // Closed while the reader was being asked.
                for (const track of stream.getTracks()) track.stop();
                return;
            }
            this.stream = stream;
            this.video.srcObject = stream;
            await this.list(stream);
        } catch (error) {
            this.error.textContent =
                REASONS[error.name] ?? `The camera cannot be used: ${error.message}`;
        }
    }

    /** Names are given only after the reader has agreed. */
    async list(stream) {
        const all = await navigator.mediaDevices.enumerateDevices();
        const cameras = all.filter((device) => device.kind === "videoinput");
        const used = stream.getVideoTracks()[0]?.getSettings().deviceId;
        this.devices.replaceChildren(
            ...cameras.map((camera, i) =>
                make("option", {
                    value: camera.deviceId,
                    selected: camera.deviceId === used,
                    text: camera.label || `camera ${i + 1}`,
                }),
            ),
        );
        element("devices-label").hidden = cameras.length < 2;
    }

    stop() {
        for (const track of this.stream?.getTracks() ?? []) track.stop();
        this.stream = null;
        this.video.srcObject = null;
    }

    async take() {
        const { videoWidth: width, videoHeight: height } = this.video;
        if (!this.stream || !width) return;
        const canvas = new OffscreenCanvas(width, height);
        canvas.getContext("2d").drawImage(this.video, 0, 0);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.95 });
        const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60000);
        const stamp = now.toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
        this.dialog.close();
        this.onPicture(`camera-${stamp}.jpg`, blob);
    }
}
