// A page that is opened from a file may not start a worker: run its script in a hidden frame instead.
// The theme loads this only where it needs it, for the search.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      this.frame.contentDocument.open();
      this.frame.contentDocument.write(`<script>
        onmessage = undefined;
        self.postMessage = data => parent.dispatchEvent(new CustomEvent("frame-worker", {detail: {from: self, data}}));
        self.importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done, failed) => {
          const script = document.createElement("script");
          Object.assign(script, {src: url, onload: done, onerror: failed});
          document.head.append(script);
        })), Promise.resolve());
      <\/script><script src="${url}"><\/script>`);
      this.frame.contentDocument.close();
      this.frame.onload = () => { this.loaded = true; this.waiting.splice(0).forEach(data => this.deliver(data)); };
      addEventListener("frame-worker", ({detail}) => {
        if (detail.from !== this.frame.contentWindow) return;
        const event = new MessageEvent("message", {data: detail.data});
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      });
    }
    deliver(data) { this.frame.contentWindow.dispatchEvent(new MessageEvent("message", {data})); }
    postMessage(data) { this.loaded ? this.deliver(data) : this.waiting.push(data); }
    terminate() { this.frame.remove(); }
  };
}
