"use strict";

/* Long names of variables may break behind what all of them begin with. */

function breakable(code) {
  const parts = code.textContent.split(/(?<=^ORDER_RUNNER_|^PROXY_SELLER_)/);
  code.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("td code .pre").forEach((code) => code.textContent.includes("_") && breakable(code));
});

/* A button on every block that one would type or save. Of a session only the commands are copied, without their prompt. */

function text(block) {
  const lines = block.querySelector("pre").textContent.replace(/\n$/, "").split("\n");
  const commands = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
  return (commands.length && block.closest(".highlight-console") ? commands : lines).join("\n") + "\n";
}

document.addEventListener("DOMContentLoaded", () => {
  if (!navigator.clipboard) return; // a page opened over plain HTTP
  for (const block of document.querySelectorAll("div.highlight")) {
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text(block));
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    block.append(button);
  }
});
