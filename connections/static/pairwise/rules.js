// Adds lines to a rule, offers the comparisons that suit a field, and asks for the names of labels and options.
"use strict";
(function () {
  const WAIT = 200;  // milliseconds without a key before suggestions are asked for

  function suit(row, suiting) {
    const subject = row.querySelector("select").value;
    const how = row.querySelectorAll("select")[1];
    if (!how) {
      return;
    }
    const fitting = (suiting[subject] || "").split(" ");
    for (const option of how.options) {
      option.hidden = option.disabled = Boolean(subject && option.value && !fitting.includes(option.value));
    }
    const unfit = how.selectedOptions.length && how.selectedOptions[0].disabled;
    if (unfit || (subject && !how.value && fitting.length === 2)) {
      how.value = fitting[0];
    }
    row.querySelector("input").hidden = fitting.includes("yes") || /empty$/.test(how.value);
  }

  async function suggest(rows, row) {
    const subject = row.querySelector("select").value;
    const input = row.querySelector("input");
    const typed = input.value.split(",").pop().trim();
    const query = new URLSearchParams({ subject, typed });
    try {
      const answer = await fetch(rows.dataset.choices + "&" + query, { credentials: "same-origin" });
      const names = answer.ok ? (await answer.json()).names : [];
      const before = input.value.includes(",") ? input.value.slice(0, input.value.lastIndexOf(",") + 1) + " " : "";
      row.querySelector("datalist").replaceChildren(...names.map(function (name) {
        const option = document.createElement("option");
        option.value = before + name;
        return option;
      }));
    } catch (error) {
      // without suggestions one can still type
    }
  }

  function ready(rows) {
    const suiting = JSON.parse(rows.dataset.suiting);
    let waiting = 0;
    function later(event) {
      const row = event.target.closest(".pw-row");
      if (row && event.target.tagName === "INPUT") {
        clearTimeout(waiting);
        waiting = setTimeout(suggest, WAIT, rows, row);
      }
    }
    rows.addEventListener("input", later);
    rows.addEventListener("focusin", later);
    rows.addEventListener("change", function (event) {
      if (event.target.tagName === "SELECT") {
        suit(event.target.closest(".pw-row"), suiting);
      }
    });
    rows.querySelectorAll(".pw-row").forEach(function (row) {
      suit(row, suiting);
    });
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pw-plain second";
    button.textContent = "Add a line";
    button.addEventListener("click", function () {
      const all = rows.querySelectorAll(".pw-row");
      const row = all[all.length - 1].cloneNode(true);
      const number = all.length + 1;
      row.querySelectorAll("[aria-label]").forEach(function (part) {
        part.setAttribute("aria-label", part.getAttribute("aria-label").replace(/ \d+/, " " + number));
        part.removeAttribute("id");
        part.value = "";
      });
      const list = row.querySelector("datalist");
      list.id = list.id.replace(/\d+$/, String(number));
      row.querySelector("input").setAttribute("list", list.id);
      all[all.length - 1].after(row);
      suit(row, suiting);
      row.querySelector("select").focus();
    });
    rows.append(button);
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll(".pw-rows").forEach(ready);
  });
})();
