// Lets the search work where the site was opened by a double click: from a file no worker may start,
// so the same script runs in a hidden frame. mkdocs.yml puts this in place of one from a CDN, which
// the theme would load (it looks for the words "iframe-worker" in the name).
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.frame.title = "search"
      // A frame without an address belongs to this page; its script answers to "message" events.
      this.frame.srcdoc = "<!doctype html>"
      this.frame.onload = () => {
        const inside = this.frame.contentWindow
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
        const script = inside.document.createElement("script")
        script.src = url
        script.onload = () => {
          for (const data of this.waiting) this.tell(data)
          this.waiting = null
        }
        inside.document.body.append(script)
      }
      document.addEventListener("DOMContentLoaded", () => document.body.append(this.frame))
      if (document.body) document.body.append(this.frame)
    }

    tell(data) {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }))
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data)
      else this.tell(data)
    }
  }
}
