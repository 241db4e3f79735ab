// Renews the main part of a live page every two seconds, unless someone is at work in it.
(function () {
  "use strict";
  const main = document.getElementById("main");
  if (!main || !main.hasAttribute("data-live")) return;
  let shown = main.innerHTML;
  async function renew() {
    if (document.hidden || main.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      if (!next || next.innerHTML === shown) return;
      shown = next.innerHTML;
      const open = main.querySelector("details[open]") !== null;
      main.replaceChildren(...next.childNodes);
      if (open) main.querySelector("details")?.setAttribute("open", "");
    } catch {
      // the sandbox is away for a moment; the next round tries again
    }
  }
  setInterval(renew, 2000);
})();
