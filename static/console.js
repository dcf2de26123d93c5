// The live console: five sockets to this server at once, one per profile, and what each received.

import { startBroadcast } from "./broadcast.js";
import { $ } from "./dom.js";
import { Panel } from "./panel.js";
import { PROFILES } from "./profiles.js";

const value = (id) => $(id).value.trim();

/** The credentials as they stand in the form, read anew for every connection and kept nowhere. */
const credentials = () => ({
  tenantKey: value("tenant-key"),
  user: value("user"),
  organization: value("organization"),
  secret: value("secret"),
  pasted: value("token"),
});

const panels = [];

const showTally = () => {
  const connected = panels.filter((panel) => panel.isConnected);
  $("tally").textContent = `${connected.length} of ${PROFILES.length} connected`;
  $("socket-ids").replaceChildren(
    ...connected.filter(({ socketId }) => socketId !== "–").map(({ name, socketId }) => new Option(name, socketId)),
  );
};

const connect = (chosen) => chosen.forEach((panel) => panel.connect());
const connectAll = () => connect(panels.filter((panel) => !panel.isUp));

for (const profile of PROFILES) panels.push(new Panel(profile, credentials, showTally));
$("connect-all").addEventListener("click", connectAll);
$("disconnect-all").addEventListener("click", () => panels.forEach((panel) => panel.disconnect()));
$("credentials-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  connect(panels);
});
// On a phone the panels come first.
$("credentials").open = matchMedia("(min-width: 900px)").matches;
startBroadcast();
connectAll();
