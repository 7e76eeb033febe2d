/* Sends the one form of the page by itself; its button is there for whoever has no script. */
"use strict";
document.getElementById("onward").submit();
