import { Samba } from "samba-web";

globalThis.Samba = Samba;
