import { h, setText } from "/static/dom.js";
import { tell } from "/static/twin.js";
import { t } from "/static/words.js";

export function loginPage(main) {
  const name = h("input", { id: "name", name: "name", autocomplete: "username", required: true });
  const password = h("input", {
    id: "password", name: "password", type: "password", autocomplete: "current-password", required: true,
  });
  const error = h("p", { class: "error", role: "alert" });
  const form = h("form", { class: "card login" },
    h("h1", {}, t("login_title")),
    h("label", { for: "name" }, t("name")), name,
    h("label", { for: "password" }, t("password")), password,
    h("button", { class: "primary", type: "submit" }, t("login")), error);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await tell("/login", { name: name.value, password: password.value });
      location.reload();
    } catch (refused) {
      setText(error, refused.message);
      password.value = "";
      password.focus();
    }
  });
  main.replaceChildren(form);
  name.focus();
}
