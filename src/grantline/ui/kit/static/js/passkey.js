/* Passkeys: only a script can call the browser's authenticator. A form marked `data-passkey` asks the server for options,
   hands them to the authenticator, puts the answer into its fields and is then sent like any other form. */
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const sign = async (options) => {
    const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) };
    const made = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
    return {
      id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
      response: {
        authenticatorData: text(authenticatorData), clientDataJSON: text(clientDataJSON), signature: text(signature),
        userHandle: userHandle ? text(userHandle) : undefined,
      },
    };
  };

  const make = async (options) => {
    const publicKey = {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey });
    return {
      id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {},
      response: { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) },
    };
  };

  const ask = async (form) => {
    const fields = new URLSearchParams({ csrf: form.elements.csrf.value });
    const answer = await fetch(form.dataset.options, { method: "POST", body: fields, redirect: "error" });
    if (!answer.ok) throw new Error("no options");
    const { handle, options } = await answer.json();
    const credential = await (form.dataset.passkey === "make" ? make : sign)(options);
    put(form, "handle", handle);
    put(form, "credential", JSON.stringify(credential));
    form.submit();
  };

  const put = (form, name, value) => {
    const field = form.elements[name] || form.appendChild(document.createElement("input"));
    Object.assign(field, { type: "hidden", name, value });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    const wrong = form.querySelector("[data-passkey-wrong]");
    form.hidden = false;
    for (const only of document.querySelectorAll("[data-without-passkey]")) only.hidden = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      wrong.hidden = true;
      button.disabled = true;
      ask(form).catch(() => {
        wrong.hidden = false;
        wrong.focus();
      }).finally(() => { button.disabled = false; });
    });
  }
})();
