/* Goes on by itself once every frame of the page has loaded, or has had its time; the link is there for whoever has no
   script. */
"use strict";
(() => {
  const link = document.querySelector("a[data-onward]");
  if (!link) return;
  let gone = false;
  const go = () => {
    if (gone) return;
    gone = true;
    location.replace(link.href);
  };
  addEventListener("load", go);
  setTimeout(go, 5000);
})();
