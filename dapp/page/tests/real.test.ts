// The built page against the real node after real jobs, in Chromium: one chain for all of it.

import "./real/reading.js";
import "./real/indexed.js";
import "./real/acting.js";
import "./real/connection.js";
