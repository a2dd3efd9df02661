// The page over records in memory: for what a chain cannot easily be made to hold.

import { mount } from "../../src/mount";
import { deployment, fakeClient } from "./client";
import { hostileRecords, largeRecords, plainRecords } from "./records";

const which = new URLSearchParams(location.search).get("case");
const records = { hostile: hostileRecords, large: largeRecords }[which ?? ""] ?? plainRecords;

mount({
  connect: async () => {
    if (which === "unreachable") throw new Error("The node at ws://127.0.0.1:1 does not answer. Is it running?");
    return fakeClient(records());
  },
  parseDeployment: () => deployment,
});
