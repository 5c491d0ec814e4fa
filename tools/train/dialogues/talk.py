"""Talk: greetings, who it is, feelings, what it cannot know, care, simple instructions, jokes."""
from .feelings import feelings
from .lists import CITIES, NAMES
from .phrasing import ask, capital, pick, styled
from .rows import answered, questions

TALK, JOKES = questions("talk"), questions("jokes")
NOW = ["the weather", "the news", "the time", "the date", "the score of the match", "the price of gold", "the traffic", "my bank balance", "the exchange rate of the dollar", "the share price of Apple", "who won the election yesterday", "whether it will rain tomorrow", "when the next bus comes", "the temperature outside"]


def unknown(random):
    draw = random.randrange(5)
    city = random.choice(CITIES)
    if draw == 0:
        return [(ask(random, ["What is the weather like in {c}?", "How is the weather in {c} today?", "Will it rain in {c} tomorrow?", "weather {c}", "Is it warm in {c} right now?", "Do I need an umbrella in {c} today?", "How cold is it in {c}?", "forecast {c}", "Is it snowing in {c}?", "Is the sun out in {c}?", "What will the weather be in {c} this weekend?", "How many degrees are there in {c} now?", "Tell me the weather for {c}.", "Is there a storm in {c}?", "Will tomorrow be sunny in {c}?", "I fly to {c} tomorrow. How is the weather there?", "What should I wear in {c} today?"], c=city), pick(random, ["I can't see the weather, because I run in your browser without live data. A weather app will tell you about {c}.", "I don't know today's weather in {c}. I have no live data, so please look at a weather service.", "I can't look up the weather. A weather app shows it for {c}."], c=city))]
    if draw == 1:
        return [(ask(random, ["What time is it?", "What's the time now?", "What is the date today?", "Which day is today?", "What time is it in {c}?", "what year is it now", "Do you know the time?", "Is it morning or evening now?", "How late is it in {c}?", "Is today Monday?", "Which year do we have?", "How many minutes are left until noon?", "Is it already midnight in {c}?", "Tell me today's date.", "How many days until Christmas from today?", "clock?", "What month are we in?"], c=city), pick(random, ["I can't see a clock or a calendar. Your device shows the time and date.", "I don't know, because I have no clock. Please look at your device.", "I have no access to the time. Your screen should show it."]))]
    if draw == 2:
        return [(ask(random, ["What is in the news?", "What happened today?", "Who won the match last night?", "What are today's headlines?", "What is the price of gold now?", "How much is one bitcoin?", "What is the dollar worth today?", "Who won the election this year?", "When does the next bus leave?", "Is there a traffic jam?", "What did the president say today?", "Who won the cup final this year?", "What films are on tonight?", "Is the shop still open now?", "How high is inflation right now?", "Which song is number one this week?", "Has my flight been delayed?", "Who is leading the race at the moment?", "What does a litre of milk cost today?", "Any news about the strike?", "Did it rain here yesterday?", "What are people talking about this week?", "Is my train on time?", "How much does the new phone cost?"]), pick(random, ["I have no live information, so I can't know that. A news site will tell you.", "I don't know what is happening now. I can't look things up on the internet.", "I can't know that, because I have no connection to live data."]))]
    if draw == 3:
        n = random.choice(NAMES)
        return [(ask(random, ["What is my neighbour {n}'s phone number?", "Where does my friend {n} live?", "How old is my aunt {n}?", "What is {n} doing right now?", "Did {n} get my email?", "Does {n} like me?", "What is {n}'s e-mail address?", "Is {n} at home?", "Where did {n} go?", "What does {n} think about me?", "Why is {n} angry with me?", "When is my friend {n}'s birthday?", "What did my colleague {n} do last night?", "How much does my boss {n} earn?", "Who is my neighbour {n} married to?"], n=n), pick(random, ["I can't know that. I know nothing about private people.", "I don't know, because I know only what you tell me in this chat.", "I can't know that about {n}. You could ask {n}."], n=n))]
    return [(ask(random, ["What am I wearing?", "Where am I?", "Can you see me?", "What is on my screen?", "What is my IP address?", "What did I do yesterday?", "What do I have in my pocket?", "Where is my phone?", "What is my bank balance?", "How many emails do I have?", "What is my password?", "What is in my fridge?", "Which song am I listening to?", "How many people are in my room?", "What did I dream last night?", "What am I thinking of?", "Which page did I visit before?", "How much money do I have?", "What is behind me?", "Who just called me?", "Which photos are on my phone?", "How do I look today?", "Read my mind.", "What device am I using?", "Where did I park my car?"]), pick(random, ["I can't see or know that. I know only what you write in this chat.", "I don't know. I can't see you or your device, only your messages here.", "I have no way to know that. You have not told me."]))]


SHORT = [("Is the sun hot?", "Yes."), ("Is ice warm?", "No."), ("Is Paris in France?", "Yes."), ("Can fish fly aeroplanes?", "No."), ("Is water wet?", "Yes."), ("Do cows lay eggs?", "No."), ("Is 7 an odd number?", "Yes."), ("Is the Moon a star?", "No."), ("Do birds have wings?", "Yes."), ("Is fire cold?", "No."),
         ("Do dogs bark?", "Yes."), ("Is a whale a fish?", "No."), ("Is Berlin in Italy?", "No."), ("Is gold a metal?", "Yes."), ("Are bananas yellow when ripe?", "Yes."), ("Do snakes have legs?", "No."), ("Is Tokyo in Japan?", "Yes."), ("Is snow black?", "No."),
         ("Is the sun a star?", "Yes."), ("Is rain wet?", "Yes."), ("Do cats purr?", "Yes."), ("Is iron a metal?", "Yes."), ("Is Rome in Italy?", "Yes."), ("Can birds sing?", "Yes."), ("Is 4 an even number?", "Yes."), ("Is 10 more than 5?", "Yes."), ("Is a rose a flower?", "Yes."), ("Do bees make honey?", "Yes."), ("Is Madrid in Spain?", "Yes."), ("Is the Earth round?", "Yes."), ("Do fish live in water?", "Yes."), ("Is lemon sour?", "Yes."), ("Is sugar sweet?", "Yes."), ("Is a week seven days long?", "Yes."), ("Is a shark a fish?", "Yes."), ("Does a bike have two wheels?", "Yes."), ("Is summer warmer than winter?", "Yes."), ("Is coal black?", "Yes."), ("Is Africa a continent?", "Yes."), ("Do spiders have eight legs?", "Yes."), ("Is a violin an instrument?", "Yes."), ("Can penguins swim?", "Yes."), ("Is Canada larger than Malta?", "Yes."), ("Do plants need light?", "Yes."), ("Does ice float on water?", "Yes."), ("Is a triangle a shape with three sides?", "Yes."), ("Is milk white?", "Yes."), ("Do trees have roots?", "Yes."),
         ("Is the sun cold?", "No."), ("Do cats bark?", "No."), ("Is 3 an even number?", "No."), ("Is 5 more than 10?", "No."), ("Can stones swim?", "No."), ("Is London in France?", "No."), ("Do horses have wings?", "No."), ("Is wood a metal?", "No."), ("Is night brighter than day?", "No."), ("Do fish live in trees?", "No."), ("Is salt sweet?", "No."), ("Does a week have nine days?", "No."), ("Is a tomato blue?", "No."), ("Is an ant bigger than an elephant?", "No."), ("Can a table walk?", "No."), ("Is July in winter in Europe?", "No."), ("Do penguins live at the North Pole?", "No."), ("Does a square have five sides?", "No."), ("Is the sea made of milk?", "No."), ("Is a spider an insect?", "No."), ("Can cows read?", "No."), ("Is Brazil in Europe?", "No."), ("Do humans lay eggs?", "No."), ("Is coffee a kind of tea?", "No."), ("Does a car have ten wheels?", "No."), ("Is a snail fast?", "No."), ("Is midnight at noon?", "No."), ("Do trees fly?", "No."), ("Is glass made of wood?", "No.")]
ONE_WORD = [("What colour is the sky?", "Blue."), ("What is the capital of Italy?", "Rome."), ("What do bees make?", "Honey."), ("Which animal barks?", "Dog."), ("What is frozen water called?", "Ice."), ("What is the opposite of hot?", "Cold."), ("What do cows drink as calves?", "Milk."), ("Which planet do we live on?", "Earth."), ("What is 2 plus 2?", "Four."), ("What falls from clouds?", "Rain."),
            ("What colour is grass?", "Green."), ("What is the capital of Spain?", "Madrid."), ("What do you use to write?", "Pen."), ("Which season is the coldest?", "Winter."), ("What is the largest ocean?", "Pacific."), ("What is the opposite of big?", "Small."), ("Which gas do we breathe in to live?", "Oxygen."), ("What do hens lay?", "Eggs."),
            ("What is the capital of France?", "Paris."), ("What is the capital of Germany?", "Berlin."), ("What is the capital of Portugal?", "Lisbon."), ("What is the opposite of day?", "Night."), ("What is the opposite of old?", "Young."), ("What is the opposite of up?", "Down."), ("What is the opposite of open?", "Closed."), ("What is the opposite of wet?", "Dry."), ("What colour is snow?", "White."), ("What colour is coal?", "Black."), ("What colour is a ripe lemon?", "Yellow."), ("What colour is blood?", "Red."), ("Which animal meows?", "Cat."), ("Which animal gives us wool?", "Sheep."), ("Which animal has a trunk?", "Elephant."), ("Which animal says moo?", "Cow."), ("What is a young dog called?", "Puppy."), ("What is a young cat called?", "Kitten."), ("What do spiders spin?", "Webs."), ("What do we breathe?", "Air."), ("What is 3 plus 4?", "Seven."), ("What is 10 minus 4?", "Six."), ("What is 2 times 5?", "Ten."), ("How many legs does a spider have?", "Eight."), ("How many days has a week?", "Seven."), ("How many months has a year?", "Twelve."), ("Which month comes after May?", "June."), ("Which day comes after Monday?", "Tuesday."), ("Which season follows winter?", "Spring."), ("What do you wear on your head?", "Hat."), ("What do you wear on your feet?", "Shoes."), ("With what do you cut paper?", "Scissors."), ("What do you sleep in?", "Bed."), ("What opens a lock?", "Key."), ("What gives us light by day?", "Sun."), ("What is the past of go?", "Went."), ("What is the plural of mouse?", "Mice."), ("What is the plural of child?", "Children."), ("Which language is spoken in Italy?", "Italian."), ("Which continent is Egypt in?", "Africa."), ("Which continent is China in?", "Asia."), ("What is bread made from?", "Flour."), ("Which fruit do monkeys in stories love?", "Banana."), ("What is H2O?", "Water."), ("What do fish breathe with?", "Gills."), ("Who works in a bakery?", "Baker."), ("Who treats sick animals?", "Vet."), ("Who flies a plane?", "Pilot.")]
LISTS = {"fruits": ["apple", "pear", "banana", "orange", "plum", "cherry", "grape", "mango"], "vegetables": ["carrot", "potato", "onion", "bean", "pea", "cabbage"], "animals": ["dog", "cat", "horse", "lion", "elephant", "mouse", "fox"], "colours": ["red", "blue", "green", "yellow", "black", "white"], "things in a kitchen": ["a pan", "a knife", "a plate", "a stove", "a fridge", "a spoon"],
         "sports": ["football", "tennis", "swimming", "running", "golf", "rowing"], "drinks": ["water", "milk", "tea", "coffee", "juice"], "musical instruments": ["the piano", "the violin", "the drum", "the flute", "the guitar"], "pieces of furniture": ["a table", "a chair", "a bed", "a sofa", "a shelf"], "clothes": ["a shirt", "trousers", "a coat", "a hat", "socks", "a scarf"], "birds": ["robin", "crow", "owl", "duck", "eagle", "swan"],
         "things that are red": ["a strawberry", "blood", "a ripe tomato", "a fire engine", "a ruby"], "things that fly": ["a bird", "a plane", "a bee", "a kite", "a bat"], "things that are round": ["a ball", "a coin", "a wheel", "an orange", "the Moon"], "things you take to the beach": ["a towel", "sun cream", "a hat", "water", "a book"], "things that are cold": ["ice", "snow", "ice cream", "a fridge"], "tools": ["a hammer", "a saw", "a screwdriver", "a spade", "a drill"],
         "girls' names": ["Anna", "Lucy", "Emma", "Clara", "Nora"], "boys' names": ["Tom", "Ben", "Paul", "Leo", "Max"], "flowers": ["rose", "tulip", "daisy", "lily", "sunflower"], "trees": ["oak", "pine", "birch", "maple", "willow"], "ways to relax": ["read a book", "take a walk", "listen to music", "take a warm bath", "breathe slowly"], "breakfast ideas": ["porridge with fruit", "eggs on toast", "yoghurt with nuts", "bread with cheese"],
         "words that start with B": ["ball", "bread", "bird", "book", "blue"], "words that start with S": ["sun", "sand", "snake", "soup", "seven"], "words that start with C": ["cat", "car", "cup", "cake", "cold"], "words that start with M": ["moon", "milk", "mouse", "music", "map"], "names for a dog": ["Rex", "Bella", "Max", "Luna", "Buddy"], "names for a cat": ["Whiskers", "Coco", "Tiger", "Snowy", "Misty"], "gifts for a child": ["a puzzle", "a ball", "a picture book", "crayons", "a kite"],
         "insects": ["ant", "bee", "fly", "beetle", "wasp"], "means of transport": ["a bus", "a train", "a bike", "a car", "a ship"], "hobbies": ["painting", "chess", "gardening", "hiking", "cooking"], "parts of the body": ["the arm", "the leg", "the head", "the knee", "the hand"]}


def orders(random):
    draw = random.randrange(6)
    if draw == 0:
        q, r = random.choice(SHORT)
        return [(ask(random, ["Answer with yes or no: {q}", "Yes or no: {q}", "{q} Answer only yes or no.", "{q} Just yes or no.", "Only say yes or no. {q}", "Reply only yes or no: {q}", "Just yes or no, please: {q}", "{q} Yes or no?", "{q} (yes/no)", "With yes or no: {q}", "I only want a yes or a no. {q}", "No explanation, only yes or no: {q}", "{q} Reply with yes or no.", "Say yes or no: {q}", "yes/no: {q}", "{q} No explanation, please. Yes or no.", "Respond with either yes or no. {q}", "One word, yes or no: {q}"], q=q), r)]
    if draw == 1:
        q, r = random.choice(ONE_WORD)
        return [(ask(random, ["Answer with one word: {q}", "In one word: {q}", "{q} One word only.", "{q} Answer with a single word.", "Use just one word. {q}", "Reply with one word: {q}", "One word answer: {q}", "{q} Just one word, please.", "{q} Reply in one word.", "Give me a one-word answer. {q}", "With a single word: {q}", "Only one word: {q}", "{q} (one word)", "{q} No sentence, only the word.", "Keep it to one word. {q}", "Answer in a word: {q}", "Just the word, nothing else. {q}", "I want only one word. {q}", "Respond in one word: {q}"], q=q), r)]
    if draw == 2:
        q, r = random.choice(ONE_WORD)
        return [(ask(random, ["Answer in capital letters: {q}", "{q} Answer in capitals.", "{q} Write your answer in upper case.", "In capitals, please: {q}", "All caps: {q}", "Reply in capital letters. {q}", "{q} Use only capital letters.", "SHOUT the answer: {q}"], q=q), r.upper())]
    if draw == 3:
        w = random.choice(["hello", "banana", "yes", "sunshine", "good night", "Samba", "thank you", "blue", "I like cheese", "pizza", "moon", "happy birthday", "one two three", "abracadabra", "good morning", "strawberry", "I am ready", "see you soon", "no problem", "green apple", "welcome", "yes please", "sunny day", "all is well", "cheese", "dragon", "have fun", "red door", "well done", random.choice(NAMES), random.choice(CITIES)])
        return [(random.choice(["Say {w}.", "Say only {w}.", 'Write the word "{w}".', "Repeat after me: {w}", "Just say {w}", 'Please say "{w}" and nothing else.', "Type {w}", "Answer only with: {w}", "Reply with {w}.", "Your whole answer must be: {w}", "Echo: {w}", "Write {w}, nothing more.", "Please repeat: {w}", "Now say {w}.", "Copy this: {w}", "Can you say {w}?", "I want you to say {w}."]).format(w=w), w[0].upper() + w[1:] + random.choice([".", ""]))] if random.random() < 0.6 else \
            [(random.choice(['Say "{w}" three times.', "Write {w} three times.", "Repeat {w} three times."]).format(w=w), ", ".join([w] * 3) + ".")]
    kind = random.choice(list(LISTS))
    n = random.choice([2, 3, 3, 3, 4])
    items = random.sample(LISTS[kind], n)
    number = random.choice([str(n), ["", "", "two", "three", "four"][n]])
    q = ask(random, ["Name {n} {k}.", "List {n} {k}.", "Give me {n} {k}.", "Tell me {n} {k}.", "Can you list {n} {k}?", "What are {n} {k}?", "I need {n} {k}.", "Write down {n} {k}.", "{n} {k}, please.", "I want {n} {k}.", "Which {k} do you know? Name {n}.", "Can you name {n} {k}?", "Think of {n} {k}.", "Give {n} examples of {k}.", "Make a list of {n} {k}.", "{n} {k}?", "Say {n} {k}.", "Please give me a list of {n} {k}.", "Could you tell me {n} {k}?", "list {n} {k}"], n=number, k=kind)
    shape = random.randrange(3)
    if shape == 0:
        return [(q, capital(", ".join(items[:-1])) + " and " + items[-1] + ".")]
    if shape == 1:
        return [(q, "\n".join(f"{i}. {capital(item)}" for i, item in enumerate(items, 1)))]
    return [(q, "\n".join(f"- {capital(item)}" for item in items))]


def joke(random):
    entry = JOKES[0] if random.random() < 0.35 else random.choice(JOKES)
    turns = [(styled(random, random.choice(entry[0])), random.choice(entry[1]))]
    if random.random() < 0.3 and len(entry[1]) > 1:
        turns.append((styled(random, random.choice(["Another one.", "Tell me another.", "One more joke?", "lol another", "Do you have more?", "More!", "And another?", "Haha, one more!", "One more, please.", "That was good. Another?"])), random.choice([other for other in entry[1] if other != turns[0][1]])))
    return turns


def chat(random):
    """Greeting, one or two things, thanks, goodbye."""
    turns = [random.choice([("Hello", "Hello! How can I help you?"), ("hi", "Hi! What can I do for you?"), ("Good morning!", "Good morning! How can I help?"), ("hey there", "Hey! What is on your mind?"), ("Hi Samba", "Hi! How are you today?"), ("good evening", "Good evening! What can I do for you?"), ("Hey!", "Hey! How can I help you?"), ("Hi, I need something.", "Hi! What do you need?"), ("good afternoon", "Good afternoon! What can I do for you?"), ("hello there", "Hello! What is on your mind?"), ("Greetings", "Hello! How can I help?")])]
    turns += random.choice([answered, lambda r, e: orders(r), lambda r, e: unknown(r)])(random, random.choice(TALK))
    turns.append(random.choice([("Thanks!", "You are welcome!"), ("thank you", "You're welcome. Is there anything else?"), ("Thank you, bye!", "Goodbye! Have a nice day."), ("bye", "Goodbye! Come back any time."), ("ok thanks", "You're welcome!"), ("Great, thanks.", "I'm glad I could help."), ("See you.", "See you!"), ("good night", "Good night, sleep well!")]))
    return turns


def talk(random):
    draw = random.random()
    if draw < 0.55:
        return feelings(random)
    if draw < 0.77:
        return answered(random, random.choice(TALK))
    if draw < 0.85:
        return unknown(random)
    if draw < 0.93:
        return orders(random)
    return joke(random) if draw < 0.96 else chat(random)
