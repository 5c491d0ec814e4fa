"""Words: opposites, synonyms, kinds, plurals, tenses, rhymes, spelling, letters, order, gaps in sentences."""
from .lists import table
from .numbers import ORDINALS
from .numbers import words as numeral
from .phrasing import a, ask, capital, listed, pick, styled
from .rows import Pairs, answered, asked, questions

OPPOSITES = [p.split("-") for p in """hot-cold big-small large-small tall-short long-short high-low fast-slow old-young new-old good-bad happy-sad light-dark heavy-light hard-soft strong-weak rich-poor full-empty open-closed wet-dry clean-dirty early-late
first-last left-right up-down in-out on-off over-under above-below inside-outside near-far front-back top-bottom begin-end start-stop come-go give-take buy-sell push-pull win-lose laugh-cry love-hate remember-forget find-lose ask-answer
teach-learn lend-borrow arrive-leave rise-fall day-night morning-evening summer-winter black-white true-false right-wrong yes-no always-never everything-nothing more-less many-few loud-quiet noisy-quiet smooth-rough sharp-blunt
thick-thin wide-narrow deep-shallow brave-cowardly polite-rude kind-cruel lazy-hard-working clever-stupid wise-foolish easy-difficult simple-complicated cheap-expensive safe-dangerous healthy-sick alive-dead awake-asleep
male-female friend-enemy war-peace truth-lie success-failure victory-defeat question-answer beginning-end entrance-exit heaven-hell north-south east-west man-woman boy-girl brother-sister king-queen husband-wife
beautiful-ugly sweet-sour fresh-stale raw-cooked fat-thin hungry-full thirsty-quenched busy-free public-private same-different equal-unequal possible-impossible visible-invisible regular-irregular legal-illegal
honest-dishonest patient-impatient careful-careless useful-useless hopeful-hopeless tidy-untidy lucky-unlucky fair-unfair known-unknown correct-incorrect perfect-imperfect mature-immature ancient-modern
accept-refuse allow-forbid attack-defend build-destroy create-destroy catch-throw increase-decrease expand-shrink float-sink freeze-melt hide-show include-exclude join-separate lock-unlock praise-blame
raise-lower save-spend send-receive sit-stand speak-listen succeed-fail tie-untie dress-undress appear-disappear agree-disagree like-dislike obey-disobey trust-distrust maximum-minimum minority-majority positive-negative
profit-loss optimist-pessimist guest-host parent-child teacher-pupil doctor-patient sunrise-sunset arrival-departure birth-death tight-loose straight-crooked bright-dull calm-stormy gentle-rough generous-mean proud-humble
rare-common temporary-permanent voluntary-forced urban-rural vertical-horizontal guilty-innocent plus-minus add-subtract multiply-divide forward-backward before-after past-future ceiling-floor giant-dwarf hero-villain
wild-tame sour-sweet single-married quick-slow dry-wet low-high short-long dark-light sad-happy cold-hot small-big slow-fast young-old empty-full weak-strong poor-rich soft-hard late-early far-near""".split() if p.count("-") == 1] + [["lazy", "hard-working"]]
SYNONYMS = [line.split() for line in """big large huge
small little tiny
happy glad cheerful joyful
sad unhappy
fast quick rapid
begin start
end finish
smart clever intelligent bright
angry cross furious mad
beautiful lovely pretty
scared afraid frightened
rich wealthy
hard difficult tough
easy simple
buy purchase
speak talk
look watch gaze
shout yell
jump leap hop
house home dwelling
tired weary sleepy exhausted
brave courageous bold
ill sick unwell
funny amusing comical
strange odd weird unusual
wonderful marvellous great
terrible awful dreadful horrible
important significant
help assist aid
choose pick select
answer reply respond
ask inquire
keep hold retain
make create build
repair mend fix
throw toss
close shut
correct right accurate
wrong incorrect false
calm peaceful quiet
kind nice gentle
rude impolite
famous well-known
old ancient aged
new fresh modern
wet damp moist
dirty filthy
empty vacant
enough sufficient
error mistake fault
gift present
job work occupation
child kid youngster
friend pal companion
stone rock
road street
sea ocean
forest woods
path track trail
story tale
trip journey voyage
idea thought notion
fear dread
joy happiness delight
anger rage fury
chance opportunity
danger risk peril
rest relax
run dash sprint
cry weep sob
laugh giggle chuckle
hate loathe detest
like enjoy
love adore
need require
want wish desire
show display
hide conceal
get obtain receive
give donate
gather collect
grow increase
shrink decrease
stop halt cease
try attempt
think believe
tell inform
allow permit let
forbid ban
change alter
destroy ruin wreck
hurt harm injure
clean tidy
cold chilly
hot boiling
thin slim slender
fat plump
loud noisy
silent quiet
sure certain
lucky fortunate
lazy idle
polite courteous
honest truthful
proud arrogant
usual normal common
rare uncommon
whole entire complete
near close
below under beneath
above over
almost nearly
maybe perhaps
often frequently
quickly fast rapidly
also too
big-hearted generous
car automobile
film movie
shop store
sofa couch
autumn fall
rubbish trash garbage
holiday vacation
biscuit cookie
lift elevator
doctor physician
teacher instructor
boss chief
king monarch
hero champion
thief robber
enemy foe opponent""".splitlines()]
KINDS = {"fruit": "apple pear banana orange plum cherry grape peach lemon mango melon kiwi strawberry pineapple apricot fig raspberry blueberry", "vegetable": "carrot potato onion cabbage spinach broccoli pea bean leek cauliflower beetroot turnip lettuce radish",
         "animal": "dog cat horse lion elephant mouse fox rabbit bear wolf tiger deer monkey sheep goat pig cow zebra giraffe", "bird": "robin crow owl duck eagle swan goose sparrow pigeon parrot penguin stork gull hen", "fish": "salmon trout tuna cod shark herring carp eel goldfish", "insect": "ant bee fly beetle wasp butterfly mosquito grasshopper moth ladybird",
         "reptile": "snake lizard crocodile tortoise turtle", "colour": "red blue green yellow black white brown pink purple orange grey", "tree": "oak pine birch maple willow beech elm ash fir", "flower": "rose tulip daisy lily sunflower daffodil orchid poppy violet",
         "tool": "hammer saw screwdriver spade drill rake axe pliers spanner", "piece of furniture": "table chair bed sofa shelf desk wardrobe cupboard stool", "musical instrument": "piano violin drum flute guitar trumpet cello harp clarinet", "piece of clothing": "shirt coat hat sock scarf jacket dress glove skirt jumper",
         "sport": "football tennis golf rugby hockey swimming boxing rowing judo cricket", "drink": "water milk tea coffee juice lemonade wine beer", "metal": "iron gold silver copper tin lead zinc aluminium", "planet": "Mercury Venus Mars Jupiter Saturn Uranus Neptune", "country": "France Spain Italy Japan Brazil Kenya Egypt India Canada Norway",
         "city": "Paris London Rome Tokyo Berlin Madrid Cairo Vienna Lisbon", "language": "English French Spanish German Chinese Arabic Russian Italian", "job": "teacher baker nurse doctor farmer pilot lawyer cook painter", "part of the body": "arm leg head hand foot nose ear knee elbow shoulder", "vehicle": "car bus train lorry bicycle tram van motorbike",
         "shape": "circle square triangle rectangle oval pentagon", "month": "January March April June July August October", "day of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "season": "spring summer autumn winter", "number": "one two three seven ten twenty hundred", "building": "house church castle school hospital factory barn library museum",
         "relative": "mother father sister brother aunt uncle cousin grandmother", "kind of weather": "rain snow wind fog hail storm sunshine", "gas": "oxygen nitrogen helium hydrogen neon", "toy": "doll kite puzzle teddy yo-yo", "dairy product": "cheese butter yoghurt cream", "herb": "basil mint parsley thyme rosemary sage", "nut": "walnut almond hazelnut peanut cashew",
         "kitchen tool": "spoon fork knife pan ladle whisk kettle", "feeling": "joy anger fear sadness love pride", "school subject": "maths history biology geography chemistry physics art", "continent": "Africa Asia Europe Antarctica", "ocean": "Pacific Atlantic", "gemstone": "ruby emerald diamond sapphire"}
KINDS = {kind: items.split() for kind, items in KINDS.items()}
CLASH = [{"animal", "bird", "fish", "insect", "reptile"}, {"fruit", "vegetable", "nut", "herb", "dairy product", "drink"}, {"tree", "flower", "herb", "fruit", "nut"}, {"tool", "kitchen tool"}, {"colour", "fruit", "flower", "gemstone", "metal"}, {"country", "city", "continent"}, {"month", "day of the week", "season"}, {"metal", "gas", "planet"}, {"city", "language", "country"},
         {"relative", "job"}, {"number", "month"}, {"part of the body", "kitchen tool"}]
PLURAL_OF = {"fish": "kinds of fish", "piece of furniture": "pieces of furniture", "piece of clothing": "pieces of clothing", "part of the body": "parts of the body", "day of the week": "days of the week", "kind of weather": "kinds of weather", "city": "cities", "country": "countries"}
DIFFERENT = {"mouse": "mice", "foot": "feet", "tooth": "teeth", "goose": "geese", "man": "men", "woman": "women", "child": "children", "ox": "oxen", "person": "people", "leaf": "leaves", "knife": "knives", "wife": "wives", "life": "lives", "half": "halves", "wolf": "wolves", "loaf": "loaves", "shelf": "shelves", "thief": "thieves", "calf": "calves", "scarf": "scarves",
             "sheep": "sheep", "deer": "deer", "fish": "fish", "potato": "potatoes", "tomato": "tomatoes", "hero": "heroes", "photo": "photos", "piano": "pianos", "cactus": "cacti", "penny": "pennies", "series": "series", "species": "species", "crisis": "crises", "bacterium": "bacteria", "roof": "roofs", "policeman": "policemen", "fireman": "firemen", "snowman": "snowmen", "grandchild": "grandchildren", "elf": "elves"}
REGULAR = """cat dog book box bus glass dish watch fox church baby city lady fly story party country berry boy day key monkey toy tree house car table chair apple pear egg flower bird horse cow pig lamp door window star cup plate bottle pen pencil letter shop school
teacher doctor friend river lake island mountain brush match peach bench wish class dress bush beach family cherry puppy pony lorry daisy diary memory army enemy body copy hobby song game clock shoe hand finger eye ear nose road bridge garden kitchen
train plane boat ship cake cookie nut bean carrot sandwich torch witch branch kiss cross address box tax suitcase""".split()
VERBS = table("""be|was|been
begin|began|begun
bite|bit|bitten
blow|blew|blown
break|broke|broken
bring|brought|brought
build|built|built
buy|bought|bought
catch|caught|caught
choose|chose|chosen
come|came|come
cost|cost|cost
cut|cut|cut
dig|dug|dug
do|did|done
draw|drew|drawn
drink|drank|drunk
drive|drove|driven
eat|ate|eaten
fall|fell|fallen
feed|fed|fed
feel|felt|felt
fight|fought|fought
find|found|found
fly|flew|flown
forget|forgot|forgotten
freeze|froze|frozen
get|got|got
give|gave|given
go|went|gone
grow|grew|grown
hang|hung|hung
have|had|had
hear|heard|heard
hide|hid|hidden
hit|hit|hit
hold|held|held
hurt|hurt|hurt
keep|kept|kept
know|knew|known
lead|led|led
leave|left|left
lend|lent|lent
let|let|let
lie|lay|lain
lose|lost|lost
make|made|made
mean|meant|meant
meet|met|met
pay|paid|paid
put|put|put
read|read|read
ride|rode|ridden
ring|rang|rung
rise|rose|risen
run|ran|run
say|said|said
see|saw|seen
sell|sold|sold
send|sent|sent
shake|shook|shaken
shine|shone|shone
shoot|shot|shot
shut|shut|shut
sing|sang|sung
sink|sank|sunk
sit|sat|sat
sleep|slept|slept
speak|spoke|spoken
spend|spent|spent
stand|stood|stood
steal|stole|stolen
swim|swam|swum
take|took|taken
teach|taught|taught
tear|tore|torn
tell|told|told
think|thought|thought
throw|threw|thrown
understand|understood|understood
wake|woke|woken
wear|wore|worn
win|won|won
write|wrote|written
walk|walked|walked
play|played|played
stop|stopped|stopped
try|tried|tried
carry|carried|carried
cry|cried|cried
dance|danced|danced
help|helped|helped
jump|jumped|jumped
laugh|laughed|laughed
listen|listened|listened
live|lived|lived
look|looked|looked
love|loved|loved
open|opened|opened
plan|planned|planned
study|studied|studied
talk|talked|talked
wait|waited|waited
want|wanted|wanted
wash|washed|washed
work|worked|worked""")
COMPARED = table("""big|bigger|biggest
small|smaller|smallest
good|better|best
bad|worse|worst
happy|happier|happiest
easy|easier|easiest
fast|faster|fastest
hot|hotter|hottest
cold|colder|coldest
old|older|oldest
young|younger|youngest
nice|nicer|nicest
large|larger|largest
far|farther|farthest
thin|thinner|thinnest
heavy|heavier|heaviest
pretty|prettier|prettiest
strong|stronger|strongest
long|longer|longest
early|earlier|earliest
funny|funnier|funniest
beautiful|more beautiful|most beautiful
expensive|more expensive|most expensive
interesting|more interesting|most interesting
careful|more careful|most careful
many|more|most
little|less|least""")
RHYMES = [line.split() for line in """cat hat bat mat rat sat flat
dog fog log frog
sun run fun bun one
house mouse
tree bee sea me free key knee
light night right bright kite white bite
day play say way grey may stay
moon spoon soon noon balloon
star car far jar
cake lake make snake take
ball tall fall wall small call
book look cook hook took
boat coat goat note
ring sing king thing wing spring
bed red head said bread
rain train plane chain brain
fish dish wish
nose rose toes knows
bear chair hair pear care there
blue shoe two you true zoo
green queen bean seen clean
hand sand land band
box fox socks rocks
cold gold old hold told
feet meet street sweet eat seat
fly sky pie eye high my
game name same flame
hill mill pill still will
ice rice mice nice twice
jump bump lump pump
mine nine line wine pine fine
pen ten hen men when
pig big dig wig
pot hot dot not
sock clock rock lock
song long strong wrong
stone bone phone alone
time lime climb rhyme
top hop shop stop drop
town brown down crown clown
tail snail whale mail pale
dear ear near year hear deer beer
door four floor more store
dream cream team stream
face place race space
fire tire wire
flower shower power tower hour
gate late plate eight wait
heart part start art
honey money sunny funny
joy boy toy
love dove glove above
park dark bark shark
sad bad glad dad
ship trip lip
sleep sheep deep keep
snow go low show blow
storm warm form
table able
talk walk chalk
wet pet net get""".splitlines()]
GAPS = table("""The cat drinks ___.|milk
The sun rises in the ___.|east
We sleep in a ___.|bed
Fish swim in the ___.|water
Birds ___ in the sky.|fly
You cut paper with ___.|scissors
A week has seven ___.|days
Bees make ___.|honey
In winter it is ___.|cold
At night the sky is ___.|dark
You open a door with a ___.|key
We hear with our ___.|ears
We see with our ___.|eyes
A baker bakes ___.|bread
The opposite of hot is ___.|cold
Grass is ___.|green
The Earth goes around the ___.|Sun
Ice melts and becomes ___.|water
Cows give us ___.|milk
A spider has eight ___.|legs
You brush your teeth with a ___.|toothbrush
Hens lay ___.|eggs
We write with a ___.|pen
A dog ___ when it is angry.|barks
The early bird catches the ___.|worm
An apple a day keeps the doctor ___.|away
Better late than ___.|never
Once upon a ___.|time
Practice makes ___.|perfect
Roses are red, violets are ___.|blue
Paris is the capital of ___.|France
She put on her shoes and went for a ___.|walk
He was thirsty, so he drank some ___.|water
It was raining, so she took her ___.|umbrella
I was tired, so I went to ___.|bed
The baby is hungry, so it ___.|cries
On birthdays we eat ___.|cake
A car has four ___.|wheels
In autumn the leaves ___ from the trees.|fall
You keep food cold in a ___.|fridge
Twinkle, twinkle, little ___.|star
Mary had a little ___.|lamb
Two and two make ___.|four
As busy as a ___.|bee
As white as ___.|snow
As light as a ___.|feather
As cold as ___.|ice
As blind as a ___.|bat
As strong as an ___.|ox
Actions speak louder than ___.|words
The grass is always greener on the other ___.|side
All that glitters is not ___.|gold
A friend in need is a friend ___.|indeed
Where there is a will, there is a ___.|way
Two heads are better than ___.|one
Don't judge a book by its ___.|cover
When in Rome, do as the Romans ___.|do""")
USES = table("""scissors|cut paper and cloth
a broom|sweep the floor
a spoon|eat soup
a knife|cut food
a key|open a lock
a pen|write
a ladder|climb up to high places
an umbrella|keep off the rain
a clock|see what time it is
a thermometer|measure how warm it is
a ruler|measure length and draw straight lines
a hammer|drive in nails
a saw|cut wood
a needle|sew
a towel|dry yourself
soap|wash
a toothbrush|brush your teeth
a comb|tidy your hair
a lamp|make light
a fridge|keep food cold
an oven|bake and roast
a kettle|boil water
a camera|take photos
a telescope|look at the stars
a microscope|see very small things
a map|find the way
a compass|find out which way is north
a calendar|see days and dates
a phone|talk to people who are far away
a pillow|rest your head
a blanket|keep warm in bed
a rope|tie and pull things
a bucket|carry water
a vase|hold flowers
a wallet|carry money
a mirror|see yourself
a tent|sleep outside
a stamp|pay for sending a letter
a dictionary|look up words
a calculator|do sums
a whistle|make a loud, high sound
a rake|gather leaves
a spade|dig
a net|catch fish or butterflies
a helmet|protect your head
gloves|keep your hands warm
sunglasses|protect your eyes from the sun
a sponge|wash up and wipe
glue|stick things together
an iron|make clothes smooth
a candle|give light
a scale|weigh things""")
ALL = sorted({w for items in KINDS.values() for w in items if w.islower() and "-" not in w and len(w) < 11} | {w for p in OPPOSITES for w in p if "-" not in w} | {w for g in SYNONYMS for w in g if "-" not in w} | set(REGULAR))


def plural(word):
    if word in DIFFERENT:
        return DIFFERENT[word]
    if word.endswith(("s", "x", "ch", "sh", "z")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


MORE = {name: asked(name)["forward"] for name in ("synonym", "meaning", "plural", "past", "rhyme", "odd", "kind", "use")}  # further forms of what is no pair
OPPOSITE = Pairs(OPPOSITES, ["What is the opposite of {a}?", "opposite of {a}", "What's the opposite of '{a}'?", "Give me the opposite of {a}.", "Which word means the opposite of {a}?", "{a} is the opposite of what?", "What is the antonym of {a}?", "Tell me the opposite of \"{a}\".", "the contrary of {a}?", "Name the opposite of {a}."],
                 ["The opposite of {a} is {b}.", "{b}.", "It is {b}."], yes=["Is {b} the opposite of {a}?"], choice=["Which is the opposite of {a}: {c}?", "What is the opposite of {a}, {c}?"]).widened("opposite")
OPPOSITE.of = True


def synonym(random):
    group = random.choice(SYNONYMS)
    w = random.choice(group)
    others = [x for x in group if x != w]
    if random.random() < 0.2:
        x = random.choice(others)
        return [(ask(random, ["Do {w} and {x} mean the same?", "Are {w} and {x} synonyms?", "Is {x} another word for {w}?"], w=w, x=x), pick(random, ["Yes, {w} and {x} mean much the same.", "Yes, they mean nearly the same."], w=w, x=x))]
    if random.random() < 0.2:
        x = random.choice(others)
        two = random.sample([g[0] for g in SYNONYMS if g is not group], 2)
        return [(ask(random, ["Which word means the same as {w}: {c}?", "Which is a synonym of {w}: {c}?"], w=w, c=listed(random.sample([x] + two, 3), "or")), pick(random, ["{x} means the same as {w}.", "{x}."], x=x, w=w))]
    return [(ask(random, ["What is another word for {w}?", "Give me a synonym for {w}.", "synonym for {w}", "What word means the same as {w}?", "What is a synonym of {w}?", "Which word means the same as \"{w}\"?", "another word for {w}?", "What's a different word for {w}?", "How else can I say {w}?", "Name a word with the same meaning as {w}."] + MORE["synonym"], w=w),
             pick(random, ["Another word for {w} is {x}.", "{x}.", "A synonym of {w} is {x}.", "You can say {x}."], w=w, x=random.choice(others) if len(others) < 2 or random.random() < 0.7 else listed(random.sample(others, 2), "or")))]


def fits(kind, other):
    return kind != other and not any(kind in c and other in c for c in CLASH)


def kinds(random):
    kind = random.choice([k for k in KINDS for _ in range(2 if len(KINDS[k]) > 6 else 1)])
    items = KINDS[kind]
    draw = random.randrange(7)
    many = PLURAL_OF.get(kind, kind + "s")
    if draw < 3 and len(items) >= 3:
        n = random.choice([3, 3, 3, 4]) - 1
        other = random.choice([k for k in KINDS if fits(kind, k)])
        odd = random.choice([w for w in KINDS[other] if w not in items])
        group = random.sample(items, max(2, min(n, len(items))) if n > 1 else 2)
        shown = random.sample(group + [odd], len(group) + 1)
        q = ask(random, ["Which one does not belong: {c}?", "Find the odd one out: {c}", "Odd one out: {c}", "Which is the odd one out: {c}?", "Which word does not fit: {c}?", "What does not belong here? {c}", "Which of these is different: {c}?", "Which one is not like the others: {c}", "Spot the odd one: {c}", "{c}: which is the odd one out?"] + MORE["odd"], c=", ".join(shown))
        last = listed(group)
        return [(q, pick(random, ["{o}. The others are {m}.", "{o} does not belong, because the others are {m}.", "The odd one out is {o}: {l} are {m}, but {o} is {k}.", "{o}.", "{o} is not {k1}."][:3] + ["{o}."], o=odd, m=many, l=last, k=a(other) if other not in ("weather",) else other))] if random.random() < 0.9 else [(q, f"{capital(odd)}. It is {a(other)}, and the others are {many}.")]
    w = random.choice(items)
    if draw == 3:
        return [(ask(random, ["What kind of thing is {w}?", "What is {w}: a kind of what?", "{w} is a kind of what?", "To which group does {w} belong?", "What category does {w} belong to?", "Is {w} {x} or {y}?", *MORE["kind"]], w=w, **dict(zip("xy", random.sample([a(kind), a(random.choice([k for k in KINDS if fits(kind, k) and w not in KINDS[k]]))], 2)))), pick(random, ["{w} is {k}.", "{k}.", "It is {k}."], w=w, k=a(kind)))]
    if draw == 4:
        other = random.choice([k for k in KINDS if fits(kind, k) and w not in KINDS[k]])
        yes = random.random() < 0.5
        return [(ask(random, ["Is {w} {k}?", "Would you call {w} {k}?", "is {w} {k} or not"], w=w, k=a(kind if yes else other)), f"Yes, {w} is {a(kind)}." if yes else f"No, {w} is {a(kind)}.")]
    if draw == 5:
        other = random.choice([k for k in KINDS if fits(kind, k)])
        more = random.sample([x for x in KINDS[other] if x not in items], 2)
        shown = random.sample([w] + more, 3)
        return [(ask(random, ["Which of these is {k}: {c}?", "Which one is {k}: {c}?", "Pick the {k0}: {c}", "Which word is {k}? {c}", "Choose {k} from this list: {c}"], k=a(kind), k0=kind, c=", ".join(shown[:2]) + " or " + shown[2]), pick(random, ["{w} is {k}.", "{w}.", "It is {w}."], w=w, k=a(kind)))]
    n = random.choice([2, 3, 3, 4]) if len(items) > 4 else 2
    return [(ask(random, ["Name {n} {m}.", "List {n} {m}.", "Give me {n} {m}.", "Can you name {n} {m}?", "Tell me {n} {m}.", "What are {n} {m}?"], n=random.choice([str(n), numeral(n)]), m=many), capital(listed(random.sample(items, n))) + ".")]


def forms(random):
    draw = random.randrange(6)
    if draw < 2:
        w = random.choice(list(DIFFERENT)) if random.random() < 0.55 else random.choice(REGULAR)
        if random.random() < 0.8:
            return [(ask(random, ["What is the plural of {w}?", "plural of {w}", "What's the plural of '{w}'?", "How do you say more than one {w}?", "One {w}, two ...?", "Give the plural of {w}.", "Write the plural form of {w}.", "One {w}, many what?", "Make {w} plural."] + MORE["plural"], w=w), pick(random, ["The plural of {w} is {p}.", "{p}.", "It is {p}.", "One {w}, two {p}."], w=w, p=plural(w)))]
        return [(ask(random, ["What is the singular of {p}?", "singular of {p}", "Many {p}, one ...?"], p=plural(w)), pick(random, ["The singular of {p} is {w}.", "{w}."], w=w, p=plural(w)))]
    if draw < 5:
        v, past, done = random.choice(VERBS)
        if v == "be":
            return [(ask(random, ["What is the past tense of be?", "past tense of to be"]), "The past tense of be is was or were.")]
        if random.random() < 0.75:
            return [(ask(random, ["What is the past tense of {v}?", "past tense of {v}", "What's the past of '{v}'?", "Put {v} in the past tense.", "Today I {v}, yesterday I ...?", "How do you say {v} in the past?", "Give me the simple past of {v}.", "What is the past form of to {v}?"] + MORE["past"], v=v), pick(random, ["The past tense of {v} is {p}.", "{p}.", "It is {p}.", "Today I {v}, yesterday I {p}."], v=v, p=past))]
        return [(ask(random, ["What is the past participle of {v}?", "I have ... ({v})", "past participle of {v}"], v=v), f"The past participle of {v} is {done}." if random.random() < 0.6 else f"{capital(v)}, {past}, {done}.")]
    base, more, most = random.choice(COMPARED)
    if random.random() < 0.5:
        return [(ask(random, ["What is the comparative of {b}?", "comparative of {b}", "{b}, ...? What is the next form?"], b=base), pick(random, ["The comparative of {b} is {m}.", "{m}."], b=base, m=more))]
    if random.random() < 0.3:
        return [(ask(random, ["What are the forms of the adjective {b}?", "Compare {b}: what are its three forms?"], b=base), f"{capital(base)}, {more}, {most}.")]
    return [(ask(random, ["What is the superlative of {b}?", "superlative of {b}"], b=base), pick(random, ["The superlative of {b} is {m}.", "{m}."], b=base, m=most))]


SPELLED = [w for w in ALL if 3 <= len(w) <= 9] + """because necessary friend beautiful tomorrow different people receive Wednesday February believe separate neighbour language island knife weird rhythm science restaurant address business calendar mountain
birthday computer elephant butterfly umbrella chocolate breakfast vegetable strawberry dictionary library giraffe giraffe happiness lightning""".split()


def letters(random):
    w = random.choice(SPELLED)
    draw = random.randrange(11)
    spelled = "-".join(w)
    if draw < 2:
        return [(ask(random, ["How do you spell {w}?", "Spell {w}.", "spell the word {w}", "Can you spell {w}?", "What is the spelling of {w}?", "How is {w} spelled?", "Please spell '{w}'."], w=w), capital(spelled) + ".")]
    if draw < 4:
        n = len(w)
        return [(ask(random, ["How many letters are in the word {w}?", "How many letters does {w} have?", "Count the letters in {w}.", "number of letters in {w}", "How long is the word {w}?", "How many letters in \"{w}\"?"], w=w), pick(random, ["{w} has {n} letters: {s}.", "The word {w} has {n} letters: {s}.", "{n} letters: {s}."], w=w, n=numeral(n), s=spelled))]
    if draw == 4:
        first = random.random() < 0.5
        return [(ask(random, ["What is the {p} letter of {w}?", "Which letter does {w} {v} with?", "{p} letter of {w}?", "What letter comes {p} in {w}?"], p="first" if first else "last", v="start" if first else "end", w=w), pick(random, ["The {p} letter of {w} is {x}.", "{x}.", "It is {x}."], p="first" if first else "last", w=w, x=(w[0] if first else w[-1]).upper()))]
    if draw == 5:
        i = random.randint(2, min(6, len(w)))
        return [(ask(random, ["What is the {p} letter of {w}?", "Which is the {p} letter in {w}?"], p=ORDINALS[i], w=w), f"{capital(spelled)}: the {ORDINALS[i]} letter is {w[i - 1].upper()}.")]
    if draw == 6:
        n = sum(c in "aeiou" for c in w.lower())
        v = [c for c in w.lower() if c in "aeiou"]
        return [(ask(random, ["How many vowels are in {w}?", "How many vowels does {w} have?", "Count the vowels in {w}.", "Which vowels are in {w}?"], w=w), f"{capital(w)} has {numeral(n)} vowel{'s' if n != 1 else ''}: {listed(v)}." if n else f"{capital(w)} has no vowel.")]
    if draw == 7:
        x = random.choice(w.lower()) if random.random() < 0.85 else random.choice("abcdefghijklmnopqrstuvwxyz")
        n = w.lower().count(x)
        return [(ask(random, ["How many times does the letter {x} appear in {w}?", "How many {x}'s are in {w}?", "How often is {x} in {w}?", "Count the letter {x} in {w}."], x=x, w=w), f"{capital(spelled)}: the letter {x} appears {['zero times', 'once', 'twice', 'three times', 'four times'][n]}." if n else f"The letter {x} does not appear in {w}.")]
    if draw == 8:
        return [(ask(random, ["Spell {w} backwards.", "What is {w} backwards?", "Write {w} in reverse.", "Reverse the word {w}."], w=w), capital("-".join(reversed(w.lower()))) + f", so {w[::-1].lower()}." if random.random() < 0.5 else f"{w[::-1].lower()}")] if len(w) < 7 else [(ask(random, ["Write {w} in capital letters.", "{w} in capitals"], w=w), w.upper())]
    if draw == 9:
        i = random.randrange(25)
        x, y = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i:i + 2]
        if random.random() < 0.3:
            return [(ask(random, ["Which letter comes before {y} in the alphabet?", "What letter is before {y}?"], y=y), pick(random, ["{x} comes before {y}.", "{x}."], x=x, y=y))]
        if random.random() < 0.25:
            return [(ask(random, ["What is the {n} letter of the alphabet?", "Which letter is number {i} in the alphabet?"], n=f"{ORDINALS[i + 1]}" if i < 12 else f"{i + 1}th" if i + 1 not in (21, 22, 23) else f"{i + 1}" + {21: "st", 22: "nd", 23: "rd"}[i + 1], i=i + 1), f"It is {x}.")]
        return [(ask(random, ["Which letter comes after {x} in the alphabet?", "What letter comes after {x}?", "letter after {x}?", "What is the next letter after {x}?"], x=x), pick(random, ["After {x} comes {y}.", "{y}."], x=x, y=y))]
    items = random.sample([v for v in ALL if len(v) < 9], random.choice([2, 3, 3, 4, 5]))
    if len(items) == 2:
        return [(ask(random, ["Which comes first in the alphabet, {x} or {y}?", "Which word comes first in a dictionary: {x} or {y}?"], x=items[0], y=items[1]), f"{capital(min(items))} comes first.")]
    return [(ask(random, ["Put these words in alphabetical order: {l}", "Sort alphabetically: {l}", "Sort these words from A to Z: {l}", "alphabetical order please: {l}", "Order these words by the alphabet: {l}"], l=", ".join(items)), ", ".join(sorted(items)) + random.choice(["", "."]))]


def rhymes(random):
    group = random.choice(RHYMES)
    w = random.choice(group)
    others = [x for x in group if x != w]
    if random.random() < 0.6:
        return [(ask(random, ["What rhymes with {w}?", "Give me a word that rhymes with {w}.", "rhyme for {w}", "Which word rhymes with {w}?", "Find a rhyme for {w}.", "Tell me a rhyme for \"{w}\".", "I need a word that rhymes with {w}."] + MORE["rhyme"], w=w), pick(random, ["{x} rhymes with {w}.", "{x}.", "{l} rhyme with {w}." if len(others) > 1 else "{x} rhymes with {w}."], x=random.choice(others), w=w, l=listed(random.sample(others, min(2, len(others))))))]
    x = random.choice(others)
    two = [random.choice(g) for g in random.sample([g for g in RHYMES if not set(g) & set(group)], 2)]
    if random.random() < 0.7:
        return [(ask(random, ["Which word rhymes with {w}: {c}?", "Which of these rhymes with {w}: {c}?"], w=w, c=listed(random.sample([x] + two, 3), "or")), pick(random, ["{x} rhymes with {w}.", "{x}."], x=x, w=w))]
    yes = random.random() < 0.5
    y = x if yes else two[0]
    return [(ask(random, ["Do {w} and {y} rhyme?", "Does {w} rhyme with {y}?"], w=w, y=y), f"Yes, {w} and {y} rhyme." if yes else f"No, {w} and {y} do not rhyme.")]


MEANINGS = questions("meanings")


def meaning(random):
    (w,), (text, *example) = random.choice(MEANINGS)
    full = w
    if random.random() < 0.8 and w.startswith(("to ", "a ", "an ")):
        w = w.split(" ", 1)[1]
    return [(ask(random, ["What does {w} mean?", "What is the meaning of {w}?", "what does the word {w} mean", "Explain the word {w}.", "Define {w}.", "What does '{w}' mean?", "meaning of {w}", "Can you explain what {w} means?", "What's meant by \"{w}\"?", "I don't know the word {w}."] + MORE["meaning"], w=w),
             pick(random, ["{W} means {t}.", "{W} means {t}.", "It means {t}."] if not full.startswith(("a ", "an ")) else ["{W} is {t}.", "{W} is {t}.", "It is {t}."], W=full, t=text) + (" " + example[0] if example and random.random() < 0.5 else ""))]


def gaps(random):
    if random.random() < 0.5:
        text, w = random.choice(GAPS)
        return [(ask(random, ["Complete the sentence: {t}", "Fill in the gap: {t}", "Which word is missing? {t}", "Finish this: {t}", "What goes in the blank? {t}", "Complete: {t}"], t=text if random.random() < 0.6 else text.replace("___.", "...").replace("___", "...")), random.choice([text.replace("___", w), capital(w) + ".", f"The missing word is {w}."]))]
    thing, use = random.choice(USES)
    many = thing in ("scissors", "gloves", "sunglasses")
    if random.random() < 0.6:
        return [(ask(random, ["What {is_} {t} used for?", "What do you do with {t}?", "What {is_} {t} for?", "Why do people use {t}?", "what do you need {t} for", *MORE["use"]], t=thing, is_="are" if many else "is"), pick(random, ["You use {t} to {u}.", "{T} {is_} used to {u}.", "To {u}."], t=thing, T=capital(thing), u=use, is_="are" if many else "is"))]
    return [(ask(random, ["What do you use to {u}?", "What do I need to {u}?", "Which thing helps you to {u}?"], u=use), pick(random, ["You use {t} to {u}.", "{t}.", "You need {t}."], t=thing, u=use))]


def words(random):
    draw = random.random()
    if draw < 0.2:
        return OPPOSITE.turns(random)
    if draw < 0.32:
        return synonym(random)
    if draw < 0.5:
        return kinds(random)
    if draw < 0.62:
        return forms(random)
    if draw < 0.76:
        return letters(random)
    if draw < 0.83:
        return rhymes(random)
    return meaning(random) if draw < 0.92 else gaps(random)
