// Lists the routes of /openapi.json, and calls them. Text from the node is only ever set as text.
"use strict";

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function form(path, verb, operation, parent) {
  const inputs = operation.parameters.map((parameter) => {
    const label = element("label", parameter.name, parent);
    const input = element("input", "", label);
    element("br", "", parent);
    return { parameter, input };
  });
  const body = verb === "post" ? element("textarea", "", parent) : null;
  const button = element("button", "Call", parent);
  const answer = element("pre", "", parent);
  button.addEventListener("click", async () => {
    let url = path;
    const query = new URLSearchParams();
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") {
        url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      } else if (input.value !== "") {
        query.append(parameter.name, input.value);
      }
    }
    const search = query.toString();
    const options = body ? { method: "POST", body: body.value } : {};
    try {
      const response = await fetch(search ? `${url}?${search}` : url, options);
      const text = await response.text();
      answer.textContent = `${response.status}\n${JSON.stringify(JSON.parse(text), null, 2)}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
}

async function show() {
  const response = await fetch("/openapi.json");
  const { paths } = await response.json();
  const list = document.getElementById("routes");
  list.textContent = "";
  const all = [];
  for (const path of Object.keys(paths).sort()) {
    for (const [verb, operation] of Object.entries(paths[path])) {
      const details = element("details", "", list);
      element("summary", `${verb.toUpperCase()} ${path}`, details);
      element("p", operation.description, details);
      form(path, verb, operation, details);
      all.push({ path, details });
    }
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    for (const { path, details } of all) {
      details.hidden = !path.includes(event.target.value);
    }
  });
}

show();
