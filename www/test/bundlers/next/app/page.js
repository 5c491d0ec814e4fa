"use client";
import { useEffect } from "react";
import { Samba } from "samba-web";

export default function Page() {
  useEffect(() => {
    globalThis.Samba = Samba;
  }, []);
  return <p>Samba in Next</p>;
}
