const list = document.querySelector("#stations");
const stations = await (await fetch("data/stations.json")).json();
for (const { name, metres } of stations) {
  const item = document.createElement("li");
  item.append(name, " ", Object.assign(document.createElement("span"), { textContent: `${metres} m` }));
  list?.append(item);
}
