// Asks where the code stands that this page shows, and goes in once it was confirmed. The words are all in the page.

(() => {
  const page = document.getElementById("desk-code");
  const PAUSE = 2000;

  function show(state) {
    page.dataset.state = state;
    for (const part of page.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  }

  async function ask() {
    let state = page.dataset.state;
    try {
      state = (await (await fetch(page.dataset.ask, { cache: "no-store", credentials: "same-origin" })).json()).state;
    } catch {
      // No answer says nothing: it is asked again.
    }
    show(state);
    if (state === "confirmed") document.getElementById("enter").submit();
    else if (state === "shown" || state === "asked") setTimeout(ask, PAUSE);
  }

  setTimeout(ask, PAUSE);
})();
