// Who are you?

import { connect, post } from "./bridge.js";
import { h, say, show } from "./dom.js";

/** Shows the way in; `done` is called when somebody is in. */
export function signIn(place, needs, done) {
  const words = { pin: "PIN", password: "Password", pin_or_password: "PIN or password", code: "One-time code, from the log of the bridge" }[needs] ?? "Password";
  const trouble = h("p", { class: "answer trouble", role: "alert", hidden: true });
  const input = h("input", { id: "secret", type: "password", autocomplete: needs === "code" ? "one-time-code" : "current-password", inputmode: needs === "pin" ? "numeric" : null, required: true });
  const form = h("form", { class: "card signin", onsubmit: async (event) => {
    event.preventDefault();
    const given = input.value;
    const tries = { pin: [{ pin: given }], password: [{ password: given }], code: [{ password: given }] }[needs] ?? [{ password: given, pin: given }];
    try {
      for (const it of tries) await post("api/auth/login", it);
      say("You are in.");
      connect();
      done();
    } catch (error) {
      trouble.hidden = false;
      trouble.textContent = error.message;
      input.value = "";
      input.focus();
    }
  } },
  h("h2", {}, "Sign in"),
  h("label", { for: "secret" }, words), input, trouble,
  h("button", { type: "submit", class: "act on" }, "Let me in"),
  // Who knows the PIN only may switch; whoever can read the log may do everything.
  needs === "pin" && h("p", { class: "minor" }, h("button", { type: "button", class: "plain", onclick: () => signIn(place, "code", done) }, "I have the one-time code of the log")));
  show(place, form);
  input.focus();
}
