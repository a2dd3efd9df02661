// Starts the page.

import { connect, parseDeployment } from "@assay/client";
import { mount } from "./mount";

mount({ connect: (url, deployment) => connect(url, deployment), parseDeployment });
