// The broadcast form: `POST /api/ws/broadcast`, and what the server answered.

import { $, say } from "./dom.js";

/** For each target: the label of its name field, and the target in the request. */
const TARGETS = {
  everyone: { make: () => undefined },
  room: { label: "Room", make: (name) => ({ room: name }) },
  user: { label: "User id", make: (name) => ({ user_ids: [name] }) },
  organization: {
    label: "Organization id",
    make: (name) => {
      const [department, queue] = ["department", "queue"].map((id) => $(`broadcast-${id}`).value.trim());
      return {
        organization_id: name,
        ...(department && { department_id: department }),
        ...(queue && { queue_name: queue }),
      };
    },
  },
  socket: { label: "Socket id", make: (name) => ({ socket_ids: [name] }) },
};

const answer = (outcome, summary, text = "") => {
  say($("broadcast-summary"), outcome, summary);
  $("broadcast-answer").textContent = text;
  $("broadcast-answer").hidden = text === "";
};

const onTarget = () => {
  const target = $("broadcast-target").value;
  const { label } = TARGETS[target];
  const isEveryone = label === undefined;
  $("broadcast-name-field").hidden = isEveryone;
  $("broadcast-name").disabled = isEveryone;
  $("broadcast-name-label").textContent = label ?? "Name";
  $("broadcast-parts").hidden = target !== "organization";
  // A user's or a room's name means nothing to the next kind of target.
  $("broadcast-name").value = "";
};

/** The request's body. The data goes as it was typed: parsing and printing again would change numbers. */
const bodyText = () => {
  const data = $("broadcast-data").value;
  JSON.parse(data);
  const target = TARGETS[$("broadcast-target").value].make($("broadcast-name").value.trim());
  const members = [`"type":${JSON.stringify($("broadcast-type").value.trim())}`, `"data":${data}`];
  if (target !== undefined) members.push(`"target":${JSON.stringify(target)}`);
  return `{${members.join(",")}}`;
};

const post = async (body) => {
  const headers = { "Content-Type": "application/json" };
  const key = $("broadcast-key").value;
  if (key) headers["X-Admin-Key"] = key;
  const reply = await fetch("/api/ws/broadcast", { method: "POST", headers, body });
  const text = await reply.text();
  if (!reply.ok) return answer("bad", `Refused: HTTP ${reply.status}`, text);
  const { recipients_count } = JSON.parse(text);
  answer("good", `recipients_count ${recipients_count}`, text);
};

const onSubmit = async (submit) => {
  submit.preventDefault();
  let body;
  try {
    body = bodyText();
  } catch (fault) {
    $("broadcast-data").setAttribute("aria-invalid", "true");
    return answer("bad", `The data is not JSON, so nothing was sent: ${fault.message}`);
  }
  $("broadcast-data").removeAttribute("aria-invalid");
  $("broadcast-button").disabled = true;
  answer("", "Waiting for the server…");
  try {
    await post(body);
  } catch (fault) {
    answer("bad", `No answer that can be read: ${fault.message}`);
  } finally {
    $("broadcast-button").disabled = false;
  }
};

export const startBroadcast = () => {
  $("broadcast-target").addEventListener("change", onTarget);
  $("broadcast-form").addEventListener("submit", onSubmit);
  onTarget();
};
