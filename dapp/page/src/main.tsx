// Starts the page.

import { connect, parseDeployment } from "@assay/client";
import { mount } from "./mount";

mount({ connect: (url, deployment) => connect(url, deployment, { timeout: 30_000 }), parseDeployment });
