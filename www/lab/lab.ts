/** The lab: what this browser makes of the engine, and the engine of long texts. */
import { startMemory } from "./memory.ts";
import { startSpeed } from "./speed.ts";

startSpeed();
startMemory();
