const chat = document.querySelector("#chat");
const words = document.querySelector("#words");

document.querySelector("#ask").onclick = async (event) => {
  const answer = await chat.ask(event.target.textContent).catch((error) => error.message);
  words.textContent = `${answer.trim().split(/\s+/).length} words`;
};
chat.addEventListener("samba-progress", ({ detail }) => {
  words.textContent = detail.total ? `${Math.round((100 * detail.loaded) / detail.total)} %` : "…";
});
chat.addEventListener("samba-message", ({ detail }) => console.log(detail.role, detail.content));
