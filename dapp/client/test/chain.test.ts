// Against the real chain after real jobs. One chain for all, since the jobs take a while.

import "./stage.js";
import "./reading.js";
import "./exports.js";
import "./indexed.js";
import "./signing.js";
