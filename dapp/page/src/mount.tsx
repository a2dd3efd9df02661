// Puts the page into the document, over a client library.

import { render } from "preact";
import { App } from "./app";
import { follow } from "./router";
import { type Library, start } from "./session";
import { followClient } from "./wallet";
import "./style/base.css";
import "./style/shell.css";
import "./style/parts.css";
import "./style/forms.css";
import "./style/lineage.css";

export function mount(library: Library): void {
  follow();
  followClient();
  const root = document.getElementById("page");
  if (!root) throw new Error("the document has no element with the id `page`");
  render(<App />, root);
  void start(library);
}
