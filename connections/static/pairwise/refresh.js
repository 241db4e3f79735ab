// Keeps the part of a page that is about running work up to date, and follows where it leads.
"use strict";
(function () {
  function again() {
    const live = document.getElementById("pw-live");
    if (!live || !live.dataset.refresh) {
      return;
    }
    setTimeout(look, Number(live.dataset.refresh) * 1000);
  }
  async function look() {
    try {
      const answer = await fetch(window.location.href, { credentials: "same-origin" });
      if (answer.redirected) {
        window.location.assign(answer.url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("pw-live");
      if (!answer.ok || !fresh) {
        return;
      }
      if (!fresh.dataset.refresh && !fresh.dataset.keep) {
        window.location.reload();  // finished: the buttons below it change too
        return;
      }
      document.getElementById("pw-live").replaceWith(fresh);
    } catch (error) {
      // the server is not there for a moment; ask again
    }
    again();
  }
  document.addEventListener("DOMContentLoaded", again);
})();
